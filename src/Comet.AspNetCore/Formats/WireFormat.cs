using System.Globalization;
using System.Text;

namespace Comet.AspNetCore.Formats;

/// <summary>How the messages of a stream look on the wire. One instance serves all streams of its kind.</summary>
internal abstract class WireFormat
{
    /// <summary>The name in metrics and logs.</summary>
    internal abstract string Name { get; }

    internal abstract string ContentType { get; }

    /// <summary>
    /// Whether ids are the positions in all feeds of the stream, as the client names nothing but the last one when it comes back.
    /// </summary>
    internal virtual bool HasStreamPositions => false;

    /// <summary>What precedes the first message.</summary>
    internal abstract void WriteHead(FrameBuffer buffer, int padding, ReadOnlyMemory<byte>? initialChunk);

    /// <param name="buffer">Where to.</param>
    /// <param name="value">The value as <see cref="SafeJson"/>.</param>
    /// <param name="idPrefix">The epoch and a dash; empty: the message has no id.</param>
    /// <param name="offset">The rest of the id.</param>
    /// <param name="feed">Which feed it is from; null: the stream has no other.</param>
    internal abstract void WriteMessage(
        FrameBuffer buffer, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset, EncodedFeedName? feed = null);

    /// <summary>Writes the last message of a feed that is completed.</summary>
    /// <inheritdoc cref="WriteMessage"/>
    internal void WriteCompletion(FrameBuffer buffer, ReadOnlySpan<byte> idPrefix, long offset, EncodedFeedName? feed) => WriteControl(
        buffer,
        ControlMessage.End(
            ControlMessage.Completed,
            retry: null,
            string.Create(CultureInfo.InvariantCulture, $"{Encoding.ASCII.GetString(idPrefix)}{offset}")) with
        { Name = feed });

    internal abstract void WriteControl(FrameBuffer buffer, in ControlMessage message);
}
