using System.Runtime.InteropServices;

namespace Comet.AspNetCore.Transport;

/// <summary>What the framework does not say of Linux's sockets. The numbers are those of x64 and arm64.</summary>
internal static unsafe partial class LibC
{
    internal const int Interrupted = 4; // EINTR
    internal const int WouldBlock = 11; // EAGAIN
    internal const int TooManyFilesOfSystem = 23; // ENFILE
    internal const int TooManyFiles = 24; // EMFILE

    internal const int DontWait = 0x40; // MSG_DONTWAIT
    internal const int NoSignal = 0x4000; // MSG_NOSIGNAL

    internal const int DuplicateCloseOnExec = 1030; // F_DUPFD_CLOEXEC

    internal const int SocketLevel = 1; // SOL_SOCKET
    internal const int Linger = 13; // SO_LINGER

    internal const int ShutDownWriting = 1; // SHUT_WR

    internal const int CloseOnExec = 0x80000; // EPOLL_CLOEXEC, O_CLOEXEC
    internal const int Add = 1; // EPOLL_CTL_ADD

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint send(int descriptor, byte* bytes, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint recv(int descriptor, byte* bytes, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int dup3(int descriptor, int replaced, int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setsockopt(int descriptor, int level, int name, void* value, int length);

    [LibraryImport("libc")]
    internal static partial int shutdown(int descriptor, int how);

    [LibraryImport("libc")]
    internal static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int epoll_ctl(int set, int operation, int descriptor, void* change);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int epoll_wait(int set, void* events, int max, int milliseconds);
}
