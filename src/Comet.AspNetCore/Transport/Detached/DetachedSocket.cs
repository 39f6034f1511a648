using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// A connection's descriptor, and nothing else of a <see cref="Socket"/>. Each call holds it, so that its number does not become another
/// connection's meanwhile. An invalid one is as one whose connection is closed.
/// </summary>
internal sealed unsafe class DetachedSocket : SafeHandleMinusOneIsInvalid
{
    private DetachedSocket(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    internal int Descriptor => (int)handle;

    /// <summary>Whether it is invalid because the process, or the system, may open no more files.</summary>
    internal bool IsMissing { get; private init; }

    /// <summary>
    /// Takes the connection away from a socket, which has another one from now on: whatever its owner still does with it, or has under way,
    /// does not reach the client.
    /// </summary>
    /// <param name="socket">Whose connection is taken.</param>
    /// <param name="placeholder">What it has instead: a socket that was never connected.</param>
    internal static DetachedSocket TakeFrom(Socket socket, Socket placeholder)
    {
        var descriptor = Take(socket.SafeHandle, placeholder.SafeHandle, out var error);
        return new DetachedSocket(descriptor) { IsMissing = error is LibC.TooManyFiles or LibC.TooManyFilesOfSystem };
    }

    /// <summary>Sends what the connection takes at once.</summary>
    /// <returns>How many bytes that were.</returns>
    internal int TrySend(ReadOnlySpan<byte> bytes, out bool isClosed)
    {
        using var hold = new Hold(this);
        isClosed = !hold.IsHeld;
        if (isClosed)
        {
            return 0;
        }
        fixed (byte* start = bytes)
        {
            while (true)
            {
                var sent = LibC.send((int)handle, start, bytes.Length, LibC.DontWait | LibC.NoSignal);
                if (sent >= 0)
                {
                    return (int)sent;
                }
                var error = Marshal.GetLastPInvokeError();
                if (error != LibC.Interrupted)
                {
                    isClosed = error != LibC.WouldBlock;
                    return 0;
                }
            }
        }
    }

    /// <summary>Throws away what the client has sent, up to so many bytes.</summary>
    /// <returns>How many bytes that were; a negative number: the client sends no more.</returns>
    internal int Discard(int max)
    {
        const int AtOnce = 512;
        using var hold = new Hold(this);
        var discarded = 0;
        var bytes = stackalloc byte[AtOnce];
        while (hold.IsHeld && discarded < max)
        {
            var received = LibC.recv((int)handle, bytes, Math.Min(AtOnce, max - discarded), LibC.DontWait);
            if (received > 0)
            {
                discarded += (int)received;
                continue;
            }
            var error = received == 0 ? 0 : Marshal.GetLastPInvokeError();
            if (error != LibC.Interrupted)
            {
                return error == LibC.WouldBlock ? discarded : -1;
            }
        }
        return hold.IsHeld ? discarded : -1;
    }

    /// <summary>Tells the client that nothing more comes.</summary>
    internal void EndSending()
    {
        using var hold = new Hold(this);
        if (hold.IsHeld)
        {
            _ = LibC.shutdown((int)handle, LibC.ShutDownWriting);
        }
    }

    /// <summary>Lets a close reset the connection, which then takes nothing of what is on its way.</summary>
    internal void ResetOnClose()
    {
        using var hold = new Hold(this);
        if (hold.IsHeld)
        {
            var linger = stackalloc int[] { 1, 0 }; // struct linger: it is on, for 0 s
            _ = LibC.setsockopt((int)handle, LibC.SocketLevel, LibC.Linger, linger, 2 * sizeof(int));
        }
    }

    protected override bool ReleaseHandle() => LibC.close((int)handle) == 0;

    private static int Take(SafeSocketHandle handle, SafeSocketHandle placeholder, out int error)
    {
        using var hold = new Hold(handle);
        error = 0;
        if (!hold.IsHeld)
        {
            return -1; // the server has aborted the connection, as its client has left
        }
        var descriptor = (int)handle.DangerousGetHandle();
        var taken = LibC.fcntl(descriptor, LibC.DuplicateCloseOnExec, 0);
        if (taken >= 0 && LibC.dup3((int)placeholder.DangerousGetHandle(), descriptor, LibC.CloseOnExec) >= 0)
        {
            return taken;
        }
        error = Marshal.GetLastPInvokeError();
        if (taken >= 0)
        {
            _ = LibC.close(taken);
        }
        return -1; // the connection is still the socket's, whose owner closes it
    }

    private readonly ref struct Hold
    {
        private readonly SafeHandle _handle;

        internal Hold(SafeHandle handle)
        {
            _handle = handle;
            try
            {
                var isHeld = false;
                handle.DangerousAddRef(ref isHeld);
                IsHeld = isHeld;
            }
            catch (ObjectDisposedException)
            {
                // It is closed, which every caller has to expect.
            }
        }

        internal bool IsHeld { get; }

        public void Dispose()
        {
            if (IsHeld)
            {
                _handle.DangerousRelease();
            }
        }
    }
}
