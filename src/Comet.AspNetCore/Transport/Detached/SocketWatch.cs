using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// Tells detached streams when their clients leave, and when one that was slow takes more: one thread for all of them, so that an idle
/// stream has no receive of its own under way. There is one for the process, as descriptors are the process's.
/// </summary>
internal sealed unsafe class SocketWatch
{
    private const int AtOnce = 256;
    private const SocketEvents Watched =
        SocketEvents.Readable | SocketEvents.Writable | SocketEvents.PeerHungUp | SocketEvents.EdgeTriggered;

    private static readonly Lazy<SocketWatch?> Instance = new(TryCreate);

    private readonly Lock _lock = new();
    private readonly int _set;
    private Entry[] _entries = new Entry[1024]; // by descriptor

    private SocketWatch(int set, Socket placeholder)
    {
        (_set, Placeholder) = (set, placeholder);
        new Thread(Run) { IsBackground = true, Name = "Comet detached streams" }.UnsafeStart();
    }

    /// <summary>Null: this system cannot, or has no descriptor left.</summary>
    internal static SocketWatch? Shared => Instance.Value;

    /// <summary>What sockets have in place of the connections that streams have taken from them.</summary>
    internal Socket Placeholder { get; }

    /// <summary>Begins to tell a writer of its socket, first of what has happened already. After that the thread has the writer.</summary>
    /// <returns>False: the system refuses, or the socket is closed.</returns>
    internal bool TryAdd(DetachedSocket socket, DetachedResponseWriter writer)
    {
        if (socket.IsInvalid)
        {
            return false;
        }
        var descriptor = socket.Descriptor;
        uint generation;
        lock (_lock)
        {
            if (descriptor >= _entries.Length)
            {
                Array.Resize(ref _entries, Math.Max(descriptor + 1, _entries.Length * 2));
            }
            ref var entry = ref _entries[descriptor];
            generation = ++entry.Generation;
            entry.Writer = writer;
        }
        Span<byte> bytes = stackalloc byte[EpollEvents.MaxLength];
        new EpollEvents(bytes, RuntimeInformation.ProcessArchitecture).Set(0, Watched, (uint)descriptor | ((ulong)generation << 32));
        fixed (byte* change = bytes)
        {
            return LibC.epoll_ctl(_set, LibC.Add, descriptor, change) == 0;
        }
    }

    /// <summary>Ends that; an event that is under way comes all the same. The system forgets the socket when it is closed.</summary>
    internal void Remove(DetachedSocket socket)
    {
        if (socket.IsInvalid)
        {
            return;
        }
        lock (_lock)
        {
            ref var entry = ref _entries[socket.Descriptor];
            entry.Writer = null;
            entry.Generation++; // the next connection of this number gets no event of this one
        }
    }

    private static SocketWatch? TryCreate()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64))
        {
            return null;
        }
        try
        {
            var set = LibC.epoll_create1(LibC.CloseOnExec);
            return set < 0 ? null : new SocketWatch(set, new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException or SocketException)
        {
            return null; // a system whose C library has another name, or no descriptor left
        }
    }

    private void Run()
    {
        Span<byte> bytes = stackalloc byte[AtOnce * EpollEvents.MaxLength];
        var events = new EpollEvents(bytes, RuntimeInformation.ProcessArchitecture);
        fixed (byte* first = bytes)
        {
            while (true)
            {
                var count = LibC.epoll_wait(_set, first, AtOnce, -1);
                if (count < 0 && Marshal.GetLastPInvokeError() != LibC.Interrupted)
                {
                    throw new InvalidOperationException($"epoll_wait has failed with error {Marshal.GetLastPInvokeError()}.");
                }
                for (var i = 0; i < count; i++)
                {
                    WriterOf(events.DataOf(i))?.OnEvents(events.FlagsOf(i));
                }
            }
        }
    }

    private DetachedResponseWriter? WriterOf(ulong data)
    {
        lock (_lock)
        {
            ref var entry = ref _entries[(int)(uint)data];
            return entry.Generation == (uint)(data >> 32) ? entry.Writer : null;
        }
    }

    private struct Entry
    {
        internal DetachedResponseWriter? Writer;
        internal uint Generation;
    }
}
