using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>Server-sent events, for <c>EventSource</c>. A value is one line, so it is one <c>data</c> field.</summary>
internal sealed class ServerSentEventsFormat : WireFormat
{
    internal static readonly ServerSentEventsFormat Instance = new();

    internal override string Name => "sse";

    internal override string ContentType => "text/event-stream";

    // EventSource sends back the last id, whichever message it was of.
    internal override bool HasStreamPositions => true;

    // EventSource opens on the first bytes; a comment is enough.
    internal override void WriteHead(FrameBuffer buffer, int padding, ReadOnlyMemory<byte>? initialChunk) => buffer.Write(": comet\n\n"u8);

    internal override void WriteMessage(
        FrameBuffer buffer, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset, EncodedFeedName? feed = null)
    {
        if (idPrefix.Length > 0)
        {
            buffer.Write("id: "u8);
            buffer.Write(idPrefix);
            buffer.WriteNumber(offset);
            buffer.Write("\n"u8);
        }
        if (feed is not null)
        {
            buffer.Write("event: "u8);
            buffer.Write(feed.Text);
            buffer.Write("\n"u8);
        }
        buffer.Write("data: "u8);
        buffer.Write(value);
        buffer.Write("\n\n"u8);
    }

    internal override void WriteControl(FrameBuffer buffer, in ControlMessage message)
    {
        // The id field lets a client that has received nothing yet resume from here, also without data.
        if ((message.EventId ?? message.Id) is { Length: > 0 } id)
        {
            buffer.Write("id: "u8);
            buffer.WriteAscii(id);
            buffer.Write("\n"u8);
        }
        if (message.IsHeartbeat)
        {
            buffer.Write(": heartbeat\n\n"u8);
            return;
        }
        if (message.Retry is { } retry)
        {
            buffer.Write("retry: "u8);
            buffer.WriteNumber(retry);
            buffer.Write("\n"u8);
        }
        buffer.Write("event: comet\ndata: "u8);
        message.WriteJson(buffer, withType: true);
        buffer.Write("\n\n"u8);
    }
}
