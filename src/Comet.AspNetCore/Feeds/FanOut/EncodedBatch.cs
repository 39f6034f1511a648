using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>The bytes that follow a cursor in one format, made once for all connections there.</summary>
internal sealed class Run : IDisposable
{
    // Half of Kestrel's default write buffer, so that a client that keeps up is not taken for one that does not.
    private const int MaxBytes = 32 * 1024;

    private Rendition? _of;
    private TailCursor _from;

    internal Block Block { get; } = new();

    /// <summary>The index after the last message in it.</summary>
    internal long To { get; private set; }

    /// <summary>When the last message in it was appended.</summary>
    internal long Stamp { get; private set; }

    internal void Fill(FeedTail tail, Rendition rendition, TailCursor cursor)
    {
        if (_of != rendition || _from != cursor)
        {
            Block.Clear();
            (To, Stamp) = tail.Write(cursor, MaxBytes, rendition.Format, Block);
            (_of, _from) = (rendition, cursor);
        }
    }

    /// <summary>The pass is over: the log may grow, and what a long message needed is given back.</summary>
    internal void Expire()
    {
        _of = null;
        Block.Shrink(2 * MaxBytes);
    }

    public void Dispose() => Block.Dispose();
}
