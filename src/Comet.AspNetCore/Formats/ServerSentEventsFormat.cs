using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>Server-sent events, for <c>EventSource</c>. A value is one line, so it is one <c>data</c> field.</summary>
internal sealed class ServerSentEventsFormat : WireFormat
{
    internal static readonly ServerSentEventsFormat Instance = new();

    internal override string Name => "sse";

    internal override string ContentType => "text/event-stream";

    // EventSource opens on the first bytes; a comment is enough.
    internal override void WriteHead(FrameBuffer block, int padding, ReadOnlyMemory<byte>? initialChunk) => block.Write(": comet\n\n"u8);

    internal override void WriteMessage(FrameBuffer block, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset)
    {
        if (idPrefix.Length > 0)
        {
            block.Write("id: "u8);
            block.Write(idPrefix);
            block.WriteNumber(offset);
            block.Write("\n"u8);
        }
        block.Write("data: "u8);
        block.Write(value);
        block.Write("\n\n"u8);
    }

    internal override void WriteControl(FrameBuffer block, in ControlMessage message)
    {
        if (message == ControlMessage.Heartbeat)
        {
            block.Write(": heartbeat\n\n"u8);
            return;
        }
        // The id field lets a client that has received nothing yet resume from here.
        if (message.Id is { } id)
        {
            block.Write("id: "u8);
            block.WriteAscii(id);
            block.Write("\n"u8);
        }
        if (message.Retry is { } retry)
        {
            block.Write("retry: "u8);
            block.WriteNumber(retry);
            block.Write("\n"u8);
        }
        block.Write("event: comet\ndata: "u8);
        message.WriteJson(block, withType: true);
        block.Write("\n\n"u8);
    }
}
