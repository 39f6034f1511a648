using System.Runtime.InteropServices;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// An array of the system's <c>struct epoll_event</c>, of 32 bits and then 64. It is packed on x64 only; elsewhere the 64 bits are aligned.
/// </summary>
internal readonly ref struct EpollEvents(Span<byte> bytes, Architecture architecture)
{
    internal const int MaxLength = 16;

    private readonly Span<byte> _bytes = bytes;

    internal int Length { get; } = LengthOf(architecture);

    internal SocketEvents FlagsOf(int index) => (SocketEvents)MemoryMarshal.Read<uint>(_bytes[(index * Length)..]);

    internal ulong DataOf(int index) => MemoryMarshal.Read<ulong>(_bytes[(index * Length + Length - sizeof(ulong))..]);

    internal void Set(int index, SocketEvents flags, ulong data)
    {
        MemoryMarshal.Write(_bytes[(index * Length)..], (uint)flags);
        MemoryMarshal.Write(_bytes[(index * Length + Length - sizeof(ulong))..], data);
    }

    private static int LengthOf(Architecture architecture) =>
        architecture == Architecture.X64 ? sizeof(uint) + sizeof(ulong) : 2 * sizeof(ulong);
}
