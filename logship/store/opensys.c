// How SQLite opens files in this program: see opensys.go.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// The head of SQLite's own structure, which has had this shape since version
// 3.7.6 (sqlite3.h, "OS Interface Object"); what comes before xSetSystemCall is
// not touched here.
typedef struct vfs vfs;
struct vfs {
	int iVersion, szOsFile, mxPathname;
	vfs *pNext;
	const char *zName;
	void *pAppData;
	void *methods[12]; // xOpen to xGetLastError
	void *xCurrentTimeInt64;
	int (*xSetSystemCall)(vfs *, const char *, void (*)(void));
};

// Weak: cgo links each package once by itself, where SQLite is not there.
extern vfs *sqlite3_vfs_find(const char *) __attribute__((weak));

static int isOdd(int fd) {
	struct stat st;
	if (fstat(fd, &st) != 0) return errno;
	if (S_ISREG(st.st_mode) && st.st_nlink > 1) return EMLINK;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISBLK(st.st_mode)) return EINVAL;
	return 0;
}

static int openOrdinary(const char *path, int flags, int mode) {
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	if (fd < 0) return fd;
	int odd = isOdd(fd);
	if (odd == 0) return fd;
	close(fd);
	errno = odd;
	return -1;
}

int tlskeeperGuardOpen(void) {
	vfs *v = sqlite3_vfs_find ? sqlite3_vfs_find(0) : 0;
	if (!v || v->iVersion < 3) return 1;
	return v->xSetSystemCall(v, "open", (void (*)(void))openOrdinary);
}
