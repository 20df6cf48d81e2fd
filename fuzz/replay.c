/* SPDX-License-Identifier: MIT */
/*
 * replay DIRECTORY...: runs a fuzzer's code once over each file, without libFuzzer.
 *
 * An input that breaks it ends the program; its name was printed before.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { INPUT_MAX = 1 << 20 };

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(INPUT_MAX), *exact;
	size_t len;

	if (!file || !bytes) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	printf("%s\n", path);
	fflush(stdout);
	len = fread(bytes, 1, INPUT_MAX, file);
	fclose(file);
	/* Exactly as large as the input: reading behind it is noticed. */
	exact = malloc(len ? len : 1);
	if (!exact)
		exit(EXIT_FAILURE);
	memcpy(exact, bytes, len);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static int replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	char name[4096];
	int n = 0;

	if (!directory) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay_file(name);
		n++;
	}
	closedir(directory);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		n += replay_directory(argv[i]);
	printf("%d inputs\n", n);
	return n ? EXIT_SUCCESS : EXIT_FAILURE;
}
