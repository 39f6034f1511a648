using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>One JSON object per line, for programs.</summary>
internal sealed class NdjsonFormat : WireFormat
{
    internal static readonly NdjsonFormat Instance = new();

    internal override string Name => "ndjson";

    internal override string ContentType => "application/x-ndjson";

    internal override void WriteHead(FrameBuffer block, int padding, ReadOnlyMemory<byte>? initialChunk)
    {
    }

    internal override void WriteMessage(FrameBuffer block, ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix, long offset)
    {
        block.Write("{\"type\":\"message\","u8);
        if (idPrefix.Length > 0)
        {
            block.Write("\"id\":\""u8);
            block.Write(idPrefix);
            block.WriteNumber(offset);
            block.Write("\","u8);
        }
        block.Write("\"data\":"u8);
        block.Write(value);
        block.Write("}\n"u8);
    }

    internal override void WriteControl(FrameBuffer block, in ControlMessage message)
    {
        message.WriteJson(block, withType: true);
        block.Write("\n"u8);
    }
}
