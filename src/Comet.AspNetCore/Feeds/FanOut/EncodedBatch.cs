using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>The bytes that follow a cursor in one format, made once for all connections there.</summary>
internal sealed class EncodedBatch : IDisposable
{
    // Half of Kestrel's default write buffer, so that a client that keeps up is not taken for one that does not.
    private const int MaxBytes = 32 * 1024;

    private FormatGroup? _group;
    private TailCursor _from;

    internal FrameBuffer Buffer { get; } = new();

    /// <summary>The index after the last message in it.</summary>
    internal long To { get; private set; }

    /// <summary>When the last message in it was appended.</summary>
    internal long AppendedAt { get; private set; }

    internal void Fill(FeedTail tail, FormatGroup group, TailCursor cursor)
    {
        if (_group != group || _from != cursor)
        {
            Buffer.Clear();
            (To, AppendedAt) = tail.Write(cursor, MaxBytes, group.Format, Buffer);
            (_group, _from) = (group, cursor);
        }
    }

    /// <summary>The pass is over: the log may grow, and what a long message needed is given back.</summary>
    internal void Expire()
    {
        _group = null;
        Buffer.Shrink(2 * MaxBytes);
    }

    public void Dispose() => Buffer.Dispose();
}
