/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor through Xen's own libraries: libxenevtchn, libxengnttab, and for the state of
 * domains libxenmanage (Xen 4.21 and later, with unique ids) or else libxenctrl.
 */
#include "xenstored/io/xen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef XS_HAVE_XENMANAGE
#include <xenmanage.h>
#else
/* Before the others: it asks Xen's headers for the toolstack's part of the interface. */
#include <xenctrl.h>
#include <xen/sched.h>
#endif
/* The kernel's, which lacks a type of the hypervisor's. */
#include <xen/xen.h>

#include <xen/evtchn.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "protocol/ring.h"

enum {
	STORE_GRANT = 1, /* reserved by the interface for the store's ring */
	VIRQ_DOMAINS = 3,
	FIRST_RESERVED_DOMID = 0x7ff0,
	DOMAINS_PER_CALL = 256,
};

struct xen {
	xenevtchn_handle *evtchn;
	xengnttab_handle *gnttab;
#ifdef XS_HAVE_XENMANAGE
	xenmanage_handle *manage;
#else
	xc_interface *ctrl;
#endif
	uint32_t domains_port;
	bool is_device; /* the event channels' descriptor is the kernel's own device */
};

#ifdef XS_HAVE_XENMANAGE

static int open_domains(struct xen *xen)
{
	xen->manage = xenmanage_open(NULL, 0);
	return xen->manage ? 0 : -errno;
}

static void close_domains(struct xen *xen)
{
	if (xen->manage)
		xenmanage_close(xen->manage);
}

static struct xen_domain domain_of(unsigned int domid, unsigned int state, unsigned int caps,
				   uint64_t unique_id)
{
	return (struct xen_domain){
		.unique_id = unique_id,
		.domid = (uint16_t)domid,
		.is_shut_down = state & XENMANAGE_GETDOMSTATE_STATE_SHUTDOWN,
		.may_be_suspended = state & XENMANAGE_GETDOMSTATE_STATE_SHUTDOWN,
		.is_dying = state & XENMANAGE_GETDOMSTATE_STATE_DYING,
		.is_dead = !(state & XENMANAGE_GETDOMSTATE_STATE_EXIST) ||
			   (state & XENMANAGE_GETDOMSTATE_STATE_DEAD),
		.is_control = caps & XENMANAGE_GETDOMSTATE_CAP_CONTROL,
		.is_xenstore = caps & XENMANAGE_GETDOMSTATE_CAP_XENSTORE,
	};
}

int xen_domain(struct xen *xen, uint16_t domid, struct xen_domain *out_domain)
{
	unsigned int state, caps;
	uint64_t unique_id;

	/* Numbers beyond the last possible domain are questions of another kind. */
	if (domid >= FIRST_RESERVED_DOMID)
		return ESRCH;
	if (xenmanage_get_domain_info(xen->manage, domid, &state, &caps, &unique_id))
		return errno == ESRCH || errno == ENOENT ? ESRCH : -errno;
	*out_domain = domain_of(domid, state, caps, unique_id);
	return 0;
}

int xen_each_domain(struct xen *xen, xen_domain_fn *fn, void *arg, bool *out_is_all)
{
	unsigned int domid, state, caps;
	struct xen_domain domain;
	uint64_t unique_id;

	*out_is_all = false;
	while (!xenmanage_poll_changed_domain(xen->manage, &domid, &state, &caps, &unique_id)) {
		domain = domain_of(domid, state, caps, unique_id);
		fn(arg, &domain);
	}
	return errno == ENOENT ? 0 : -errno;
}

#else

static int open_domains(struct xen *xen)
{
	xen->ctrl = xc_interface_open(NULL, NULL, 0);
	return xen->ctrl ? 0 : -errno;
}

static void close_domains(struct xen *xen)
{
	if (xen->ctrl)
		xc_interface_close(xen->ctrl);
}

/*
 * This interface says "dying" only when the domain has been taken apart and waits for the last
 * references to it, ours included, to go. That is what is called dead elsewhere.
 */
static struct xen_domain domain_of(const xc_domaininfo_t *info)
{
	uint32_t reason = info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	bool is_shut_down = info->flags & XEN_DOMINF_shutdown;

	return (struct xen_domain){
		.domid = info->domain,
		.is_shut_down = is_shut_down,
		.may_be_suspended = is_shut_down && reason == SHUTDOWN_suspend,
		.is_dying = info->flags & XEN_DOMINF_dying,
		.is_dead = info->flags & XEN_DOMINF_dying,
		.is_control = info->domain == 0,
		.is_xenstore = info->flags & XEN_DOMINF_xs_domain,
	};
}

int xen_domain(struct xen *xen, uint16_t domid, struct xen_domain *out_domain)
{
	xc_domaininfo_t info;
	int n = xc_domain_getinfolist(xen->ctrl, domid, 1, &info);

	if (n < 0)
		return errno == ESRCH ? ESRCH : -errno;
	/* The list goes on with the next domain if there is none of that number. */
	if (n == 0 || info.domain != domid)
		return ESRCH;
	*out_domain = domain_of(&info);
	return 0;
}

int xen_each_domain(struct xen *xen, xen_domain_fn *fn, void *arg, bool *out_is_all)
{
	xc_domaininfo_t *infos = calloc(DOMAINS_PER_CALL, sizeof(*infos));
	struct xen_domain domain;
	uint32_t first = 0;
	int n = infos ? DOMAINS_PER_CALL : -1;

	*out_is_all = true;
	while (n == DOMAINS_PER_CALL) {
		n = xc_domain_getinfolist(xen->ctrl, first, DOMAINS_PER_CALL, infos);
		for (int i = 0; i < n; i++) {
			domain = domain_of(&infos[i]);
			fn(arg, &domain);
			first = domain.domid + 1u;
		}
	}
	free(infos);
	return n < 0 ? (infos ? -errno : -ENOMEM) : 0;
}

#endif

/* In dom0 the lack of a device is an error, not the lack of a hypervisor. */
static bool is_control_domain(void)
{
	int saved = errno;
	int fd = open("/proc/xen/capabilities", O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	errno = saved;
	return strstr(text, "control_d") != NULL;
}

static int open_all(struct xen *xen)
{
	struct stat device;
	int port, err;

	xen->evtchn = xenevtchn_open(NULL, 0);
	if (!xen->evtchn)
		return is_control_domain() ? -errno : ENODEV;
	/* Taking the interrupt is also asking whether we may look at other domains at all. */
	port = xenevtchn_bind_virq(xen->evtchn, VIRQ_DOMAINS);
	if (port < 0)
		return errno == EPERM || errno == EACCES ? ENODEV : -errno;
	xen->domains_port = (uint32_t)port;
	err = open_domains(xen);
	if (err)
		return err;
	xen->gnttab = xengnttab_open(NULL, 0);
	if (!xen->gnttab)
		return -errno;
	/* Where this is not understood there is no such limit. */
	xengnttab_set_max_grants(xen->gnttab, FIRST_RESERVED_DOMID);
	if (fstat(xen_fd(xen), &device) || fcntl(xen_fd(xen), F_SETFL, O_RDWR | O_NONBLOCK))
		return -errno;
	xen->is_device = S_ISCHR(device.st_mode);
	return 0;
}

int xen_open(struct xen **out_xen)
{
	struct xen *xen = calloc(1, sizeof(*xen));
	int err = xen ? open_all(xen) : -ENOMEM;

	if (err) {
		xen_close(xen);
		return err;
	}
	*out_xen = xen;
	return 0;
}

void xen_close(struct xen *xen)
{
	if (!xen)
		return;
	close_domains(xen);
	if (xen->gnttab)
		xengnttab_close(xen->gnttab);
	if (xen->evtchn)
		xenevtchn_close(xen->evtchn);
	free(xen);
}

static int own_port(uint32_t *out_port)
{
	char text[32], *end;
	int fd = open("/proc/xen/xsd_port", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int err = n < 0 ? -errno : 0;
	unsigned long port;

	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	text[n] = '\0';
	port = strtoul(text, &end, 0);
	if (end == text || port == 0 || port > UINT32_MAX)
		return -EINVAL;
	*out_port = (uint32_t)port;
	return 0;
}

int xen_map_own(struct xen *xen, void **out_page, uint32_t *out_port)
{
	int err = own_port(out_port);
	int fd = err ? -1 : open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);
	void *page;

	(void)xen;
	if (err)
		return err;
	if (fd < 0)
		return -errno;
	page = mmap(NULL, XSP_RING_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = page == MAP_FAILED ? -errno : 0;
	close(fd);
	if (!err)
		*out_page = page;
	return err;
}

void xen_unmap_own(struct xen *xen, void *page)
{
	(void)xen;
	munmap(page, XSP_RING_PAGE_SIZE);
}

int xen_map(struct xen *xen, uint16_t domid, void **out_page)
{
	void *page =
		xengnttab_map_grant_ref(xen->gnttab, domid, STORE_GRANT, PROT_READ | PROT_WRITE);

	if (!page)
		return errno ? errno : EINVAL;
	*out_page = page;
	return 0;
}

void xen_unmap(struct xen *xen, void *page)
{
	xengnttab_unmap(xen->gnttab, page, 1);
}

int xen_bind(struct xen *xen, uint16_t domid, uint32_t remote_port, uint32_t *out_port)
{
	int port = xenevtchn_bind_interdomain(xen->evtchn, domid, remote_port);

	if (port < 0)
		return errno ? errno : EINVAL;
	*out_port = (uint32_t)port;
	return 0;
}

void xen_unbind(struct xen *xen, uint32_t port)
{
	xenevtchn_unbind(xen->evtchn, port);
}

void xen_notify(struct xen *xen, uint32_t port)
{
	/* Fails only if the other side is gone, which its domain's state tells. */
	xenevtchn_notify(xen->evtchn, port);
}

int xen_fd(const struct xen *xen)
{
	return xenevtchn_fd(xen->evtchn);
}

/* The descriptor hands out as many ports as there is room for; the library asks for one only. */
size_t xen_fired(struct xen *xen, uint32_t *out_ports, size_t size, bool *out_is_lost)
{
	ssize_t n = read(xen_fd(xen), out_ports, size * sizeof(*out_ports));

	*out_is_lost = n < 0 && errno == EFBIG;
	if (*out_is_lost)
		ioctl(xen_fd(xen), IOCTL_EVTCHN_RESET);
	return n > 0 ? (size_t)n / sizeof(*out_ports) : 0;
}

void xen_unmask(struct xen *xen, const uint32_t *ports, size_t n)
{
	size_t len = n * sizeof(*ports);

	if (n > 0 && xen->is_device && write(xen_fd(xen), ports, len) == (ssize_t)len)
		return;
	for (size_t i = 0; i < n; i++)
		xenevtchn_unmask(xen->evtchn, ports[i]);
}

uint32_t xen_domains_port(const struct xen *xen)
{
	return xen->domains_port;
}
