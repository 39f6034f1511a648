using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Comet.AspNetCore.Formats;

/// <summary>
/// Bytes that leave in one write. The nonce of its scripts is all that differs between connections, so the buffer has placeholders for it,
/// which are filled before each write: the bytes are made once, however many connections take them. There is room for the framing of an
/// HTTP/1.1 chunk around the content.
/// </summary>
internal sealed class FrameBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FramingBefore = 10; // eight hexadecimal digits and a line break
    private const int FramingAfter = 2;

    private int[] _placeholders = ArrayPool<int>.Shared.Rent(16);
    private int _placeholderCount;
    private byte[] _bytes = PooledBytes.Rent(512);
    private int _end = FramingBefore;
    private Nonce _nonce;

    internal int Length => _end - FramingBefore;

    internal ReadOnlySpan<byte> Content => _bytes.AsSpan(FramingBefore, Length);

    /// <summary>The nonce that is filled in.</summary>
    internal Nonce Nonce => _nonce;

    /// <summary>What was made by <see cref="Share"/> since the content was begun.</summary>
    internal EncodedFrame? Shared { get; private set; }

    /// <summary>The content as one chunk of a chunked body.</summary>
    internal ReadOnlySpan<byte> Chunk
    {
        get
        {
            Span<byte> digits = stackalloc byte[8];
            Utf8Formatter.TryFormat(Length, digits, out var count, new StandardFormat('x'));
            var start = FramingBefore - 2 - count;
            digits[..count].CopyTo(_bytes.AsSpan(start));
            "\r\n"u8.CopyTo(_bytes.AsSpan(FramingBefore - 2));
            "\r\n"u8.CopyTo(_bytes.AsSpan(_end));
            return _bytes.AsSpan(start, _end + FramingAfter - start);
        }
    }

    internal void Clear()
    {
        _end = FramingBefore;
        _placeholderCount = 0;
        Shared = null;
    }

    /// <summary>Copies the content for writes that take longer than the buffer has it: once, however many connections need it.</summary>
    internal EncodedFrame Share()
    {
        if (Shared is null)
        {
            var chunk = Chunk;
            var start = chunk.Length - FramingAfter - Length;
            var placeholders = Array.ConvertAll(_placeholders[.._placeholderCount], placeholder => placeholder - FramingBefore + start);
            Shared = new EncodedFrame(chunk.ToArray(), start..(start + Length), placeholders);
        }
        return Shared;
    }

    /// <summary>Takes the content of a frame that was shared before.</summary>
    internal void Load(EncodedFrame frame)
    {
        Clear();
        Append(frame);
        Shared = frame;
    }

    /// <summary>Copies what was written from a length on, to append it elsewhere.</summary>
    internal EncodedFrame Copy(int from)
    {
        var start = FramingBefore + from;
        var first = _placeholders.AsSpan(0, _placeholderCount).BinarySearch(start);
        var placeholders = _placeholders[(first < 0 ? ~first : first).._placeholderCount];
        return new EncodedFrame(
            _bytes.AsSpan(start, Length - from).ToArray(),
            0..(Length - from),
            Array.ConvertAll(placeholders, placeholder => placeholder - start));
    }

    /// <summary>Writes the content of a frame.</summary>
    internal void Append(EncodedFrame frame)
    {
        var start = _end;
        Write(frame.Content);
        foreach (var placeholder in frame.Placeholders)
        {
            AddPlaceholder(start + placeholder);
        }
    }

    /// <summary>Clears it, and gives back what an unusually long content needed.</summary>
    internal void Shrink(int maxCapacity)
    {
        Clear();
        if (_bytes.Length > maxCapacity)
        {
            PooledBytes.Return(_bytes);
            _bytes = PooledBytes.Rent(512);
        }
    }

    internal void WriteNoncePlaceholder()
    {
        GetSpan(Nonce.Length);
        AddPlaceholder(_end);
        _end += Nonce.Length;
    }

    internal void WriteNonce(Nonce nonce)
    {
        _nonce = nonce;
        foreach (var placeholder in _placeholders.AsSpan(0, _placeholderCount))
        {
            nonce.CopyTo(_bytes.AsSpan(placeholder));
        }
    }

    // With room for all of it at once, where the extension method would grow step by step.
    internal void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _end += bytes.Length;
    }

    internal void WriteAscii(string text) => _end += Encoding.ASCII.GetBytes(text, GetSpan(text.Length));

    internal void WriteNumber(long number)
    {
        Utf8Formatter.TryFormat(number, GetSpan(20), out var count);
        _end += count;
    }

    public void Advance(int count) => _end += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(_end, _bytes.Length - FramingAfter - _end);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(_end, _bytes.Length - FramingAfter - _end);
    }

    public void Dispose()
    {
        PooledBytes.Return(_bytes);
        ArrayPool<int>.Shared.Return(_placeholders);
        (_bytes, _placeholders) = ([], []);
    }

    private void AddPlaceholder(int at)
    {
        if (_placeholderCount == _placeholders.Length)
        {
            var larger = ArrayPool<int>.Shared.Rent(_placeholders.Length * 2);
            _placeholders.CopyTo(larger, 0);
            ArrayPool<int>.Shared.Return(_placeholders);
            _placeholders = larger;
        }
        _placeholders[_placeholderCount++] = at;
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - FramingAfter - _end >= count)
        {
            return;
        }
        var larger = PooledBytes.Rent(Math.Max(_bytes.Length * 2, _end + count + FramingAfter));
        _bytes.AsSpan(0, _end).CopyTo(larger);
        PooledBytes.Return(_bytes);
        _bytes = larger;
    }
}
