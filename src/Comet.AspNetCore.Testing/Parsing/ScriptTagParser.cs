using System.Buffers;

namespace Comet.AspNetCore.Testing.Parsing;

/// <summary>Finds script elements as a browser does; everything around them is padding.</summary>
internal sealed class ScriptTagParser : MessageParser
{
    internal override CometMessage? TryRead(ref ReadOnlySequence<byte> received)
    {
        while (received.PositionOf((byte)'<') is { } tag)
        {
            received = received.Slice(tag);
            if (MayBecome(received, "<!--"u8))
            {
                if (!TryTake(ref received, "-->"u8, out _))
                {
                    return null;
                }
            }
            else if (MayBecome(received, "<script"u8))
            {
                var rest = received;
                if (!TryTake(ref rest, ">"u8, out _) || !TryTake(ref rest, "</script>"u8, out var script))
                {
                    return null;
                }
                received = rest;
                if (ScriptCall.TryParse(script.ToArray()) is { } message)
                {
                    return message;
                }
            }
            else
            {
                received = received.Slice(1);
            }
        }
        received = received.Slice(received.End);
        return null;
    }

    private static bool MayBecome(ReadOnlySequence<byte> received, ReadOnlySpan<byte> start)
    {
        Span<byte> first = stackalloc byte[(int)Math.Min(received.Length, start.Length)];
        received.Slice(0, first.Length).CopyTo(first);
        return start.StartsWith(first);
    }

    private static bool TryTake(ref ReadOnlySequence<byte> received, ReadOnlySpan<byte> end, out ReadOnlySequence<byte> taken)
    {
        var reader = new SequenceReader<byte>(received);
        if (!reader.TryReadTo(out taken, end))
        {
            return false;
        }
        received = received.Slice(reader.Position);
        return true;
    }
}
