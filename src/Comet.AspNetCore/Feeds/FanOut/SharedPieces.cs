using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// What was last encoded of a feed, by format and place, for the other groups that write the same, in this lane and in others. Safe for
/// concurrent use.
/// </summary>
internal sealed class SharedPieces
{
    // As many as lanes and formats are a pass apart; each is a batch, so at most 32 KB and a message.
    private const int Kept = 8;

    private readonly Lock _lock = new();
    private readonly Piece?[] _pieces = new Piece?[Kept];
    private int _next;

    /// <summary>What follows a place.</summary>
    /// <param name="Format">How it is encoded.</param>
    /// <param name="Name">The feed's name, where the messages have it.</param>
    /// <param name="From">The place.</param>
    /// <param name="To">Where the rest begins.</param>
    /// <param name="AppendedAt">When the last message in it was appended.</param>
    /// <param name="Content">The bytes.</param>
    internal sealed record Piece(
        WireFormat Format, EncodedFeedName? Name, TailCursor From, TailCursor To, long AppendedAt, EncodedFrame Content);

    internal void Add(Piece piece)
    {
        lock (_lock)
        {
            _pieces[_next] = piece;
            _next = (_next + 1) % Kept;
        }
    }

    internal Piece? Find(WireFormat format, EncodedFeedName? name, TailCursor from)
    {
        lock (_lock)
        {
            return Array.Find(
                _pieces, piece => piece is not null && piece.From == from && piece.Name == name && piece.Format.Equals(format));
        }
    }

    internal void Clear()
    {
        lock (_lock)
        {
            Array.Clear(_pieces);
        }
    }
}
