using System.Buffers;
using System.Runtime.InteropServices;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Marks JSON that this process has encoded: a store that hands the memory it was given to the tail hands over this, which needs no check.
/// </summary>
internal sealed class EncodedPayload(ReadOnlyMemory<byte> json) : MemoryManager<byte>
{
    internal ReadOnlyMemory<byte> Json => json;

    public override Span<byte> GetSpan() => MemoryMarshal.AsMemory(json).Span;

    public override MemoryHandle Pin(int elementIndex = 0) => json[elementIndex..].Pin();

    public override void Unpin()
    {
    }

    protected override bool TryGetArray(out ArraySegment<byte> segment) => MemoryMarshal.TryGetArray(json, out segment);

    protected override void Dispose(bool disposing)
    {
    }
}
