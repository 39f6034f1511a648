namespace Comet.AspNetCore.Formats;

/// <summary>How the messages of a stream look on the wire. One instance serves all streams of its kind.</summary>
internal abstract class WireFormat
{
    /// <summary>The name in metrics and logs.</summary>
    internal abstract string Name { get; }

    internal abstract string ContentType { get; }

    /// <summary>What precedes the first message.</summary>
    internal abstract void WriteHead(FrameBuffer block, int padding, ReadOnlyMemory<byte>? initialChunk);

    /// <param name="block">Where to.</param>
    /// <param name="value">The value as <see cref="SafeJson"/>.</param>
    /// <param name="idPrefix">The epoch and a dash; empty: the message has no id.</param>
    /// <param name="offset">The rest of the id.</param>
    internal abstract void WriteMessage(FrameBuffer block, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset);

    internal abstract void WriteControl(FrameBuffer block, in ControlMessage message);
}
