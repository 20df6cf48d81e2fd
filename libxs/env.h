/* SPDX-License-Identifier: MIT */
/* Where the server is: environment variables and default paths. */
#ifndef XSI_ENV_H
#define XSI_ENV_H

#include <limits.h>
#include <stdbool.h>

enum { XSI_ENV_PATH_MAX = PATH_MAX };

/*
 * The socket's path, or NULL if it would be too long. Either the environment's own string or
 * `buffer`, which the result may point to.
 */
const char *xsi_env_socket(char buffer[XSI_ENV_PATH_MAX]);

/* The path of the kernel's device, or of whatever XENSTORED_PATH names. */
const char *xsi_env_device(void);

/* Whether the path is one where some kernels have their device as what looks like a regular file. */
bool xsi_env_is_kernels_file(const char *path);

#endif
