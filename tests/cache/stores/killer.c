/* Kills the process at its n-th write: of a file, or to a socket; before it, or half-way through.
 * Loaded with LD_PRELOAD; armed from Python with kill_at(n, half). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static long left, seen;
static int halved;

void kill_at(long n, int half) { left = n; halved = half; seen = 0; }
long kill_seen(void) { return seen; }

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

/* Pipes do not count: through them the test is told. */
static int due(int fd) {
    struct stat found;
    if (fstat(fd, &found) || !(S_ISREG(found.st_mode) || S_ISSOCK(found.st_mode))) return 0;
    __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    return left > 0 && __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) == 0;
}

#define REAL(name) static typeof(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define WRITER(name, arguments, whole, half) \
    ssize_t name arguments { REAL(name); if (due(fd)) { if (halved) half; die(); } return whole; }
#define CALL(name, arguments, whole) \
    int name arguments { REAL(name); if (due(fd)) die(); return whole; }

WRITER(write, (int fd, const void *data, size_t size), real(fd, data, size), real(fd, data, size / 2))
WRITER(pwrite, (int fd, const void *data, size_t size, off_t at), real(fd, data, size, at), real(fd, data, size / 2, at))
WRITER(pwrite64, (int fd, const void *data, size_t size, off64_t at), real(fd, data, size, at), real(fd, data, size / 2, at))
WRITER(send, (int fd, const void *data, size_t size, int flags), real(fd, data, size, flags), real(fd, data, size / 2, flags))
WRITER(recv, (int fd, void *data, size_t size, int flags), real(fd, data, size, flags), real(fd, data, 1, flags))
CALL(ftruncate, (int fd, off_t size), real(fd, size))
CALL(ftruncate64, (int fd, off64_t size), real(fd, size))
CALL(fsync, (int fd), real(fd))
CALL(fdatasync, (int fd), real(fd))
CALL(fallocate, (int fd, int mode, off_t at, off_t size), real(fd, mode, at, size))

int unlink(const char *path) {
    REAL(unlink);
    __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (left > 0 && __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) == 0) die();
    return real(path);
}
