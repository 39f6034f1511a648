using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>One JSON object per line, for programs.</summary>
internal sealed class NdjsonFormat : WireFormat
{
    internal static readonly NdjsonFormat Instance = new();

    internal override string Name => "ndjson";

    internal override string ContentType => "application/x-ndjson";

    internal override void WriteHead(FrameBuffer buffer, int padding, ReadOnlyMemory<byte>? initialChunk)
    {
    }

    internal override void WriteMessage(
        FrameBuffer buffer, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset, EncodedFeedName? feed = null)
    {
        buffer.Write("{\"type\":\"message\","u8);
        if (feed is not null)
        {
            buffer.Write("\"feed\":"u8);
            buffer.Write(feed.Json);
            buffer.Write(","u8);
        }
        if (idPrefix.Length > 0)
        {
            buffer.Write("\"id\":\""u8);
            buffer.Write(idPrefix);
            buffer.WriteNumber(offset);
            buffer.Write("\","u8);
        }
        buffer.Write("\"data\":"u8);
        buffer.Write(value);
        buffer.Write("}\n"u8);
    }

    internal override void WriteControl(FrameBuffer buffer, in ControlMessage message)
    {
        message.WriteJson(buffer, withType: true);
        buffer.Write("\n"u8);
    }
}
