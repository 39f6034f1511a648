namespace Comet.AspNetCore.Formats;

/// <summary>
/// A copy of what a <see cref="FrameBuffer"/> held, which does not change any more: all connections whose clients take it slowly share it,
/// however long that takes, each from its own place and with its own nonce.
/// </summary>
/// <param name="chunk">The content, with the framing of a chunk.</param>
/// <param name="content">Where in it the content is.</param>
/// <param name="placeholders">Where in it nonces belong, rising.</param>
internal sealed class EncodedFrame(byte[] chunk, Range content, int[] placeholders)
{
    internal ReadOnlySpan<byte> Content => chunk.AsSpan(content);

    /// <summary>Where the content begins.</summary>
    internal int Start => content.Start.Value;

    /// <summary>Where the content ends.</summary>
    internal int End => content.End.Value;

    internal int Length => chunk.Length;

    /// <summary>Where in the content nonces belong.</summary>
    internal IEnumerable<int> Placeholders => placeholders.Select(placeholder => placeholder - Start);

    /// <summary>Copies bytes from a place on, as many as there is room for.</summary>
    internal void CopyTo(Span<byte> piece, int from, Nonce nonce)
    {
        chunk.AsSpan(from, piece.Length).CopyTo(piece);
        ReadOnlySpan<byte> text = nonce;
        var next = Array.BinarySearch(placeholders, from - Nonce.Length + 1);
        for (var i = next < 0 ? ~next : next; i < placeholders.Length && placeholders[i] < from + piece.Length; i++)
        {
            // One may lie across the beginning or the end of the piece.
            var (at, skipped) = (Math.Max(0, placeholders[i] - from), Math.Max(0, from - placeholders[i]));
            text.Slice(skipped, Math.Min(Nonce.Length - skipped, piece.Length - at)).CopyTo(piece[at..]);
        }
    }
}
