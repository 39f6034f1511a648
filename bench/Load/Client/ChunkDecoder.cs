namespace CometBench.Load.Client;

/// <summary>Takes the framing out of a chunked body, as it arrives: a server may cut a message between two chunks.</summary>
internal sealed class ChunkDecoder
{
    private long _left;
    private Part _part = Part.Size;

    private enum Part
    {
        Size,
        Data,
        DataEnd,
        End,
    }

    /// <summary>The last chunk has come.</summary>
    internal bool IsAtEnd => _part == Part.End;

    /// <summary>Moves what belongs to the body to the front.</summary>
    /// <returns>How many bytes that are.</returns>
    /// <exception cref="IOException">The framing is malformed.</exception>
    internal int Decode(Span<byte> bytes)
    {
        var (read, written) = (0, 0);
        while (read < bytes.Length && _part != Part.End)
        {
            switch (_part)
            {
                case Part.Size:
                    ReadSize(bytes[read++]);
                    break;
                case Part.Data:
                    var count = (int)Math.Min(_left, bytes.Length - read);
                    bytes.Slice(read, count).CopyTo(bytes[written..]);
                    (read, written, _left) = (read + count, written + count, _left - count);
                    _part = _left == 0 ? Part.DataEnd : Part.Data;
                    break;
                case Part.DataEnd:
                    _part = bytes[read++] == '\n' ? Part.Size : Part.DataEnd;
                    break;
            }
        }
        return written;
    }

    private void ReadSize(byte next)
    {
        switch (next)
        {
            case (byte)'\r':
                break;
            case (byte)'\n':
                _part = _left == 0 ? Part.End : Part.Data;
                break;
            default:
                if (!char.IsAsciiHexDigit((char)next))
                {
                    throw new IOException("The chunks of a stream are malformed.");
                }
                _left = (_left * 16) + (next <= '9' ? next - '0' : (next | 0x20) - 'a' + 10);
                break;
        }
    }
}
