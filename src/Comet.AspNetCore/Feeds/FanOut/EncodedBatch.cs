using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>What follows a cursor, encoded in one format once for all connections that have this cursor.</summary>
internal sealed class EncodedBatch : IDisposable
{
    // Half of Kestrel's default write buffer: a larger write would wait even for a client that keeps up.
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
        if (_group == group && _from == cursor)
        {
            return;
        }
        RememberFrame();
        Buffer.Clear();
        if (group.Frames.Find(cursor) is var (to, appendedAt, frame))
        {
            (To, AppendedAt) = (to, appendedAt);
            Buffer.Load(frame);
        }
        else
        {
            (To, AppendedAt) = tail.Write(cursor, MaxBytes, group.Format, Buffer);
        }
        (_group, _from) = (group, cursor);
    }

    /// <summary>Ends the use in one pass, as the log may grow until the next. Gives back memory that a long message needed.</summary>
    internal void Expire()
    {
        RememberFrame();
        _group = null;
        Buffer.Shrink(2 * MaxBytes);
    }

    private void RememberFrame()
    {
        if (Buffer.Shared is { } frame)
        {
            _group!.Frames.Add(_from, To, AppendedAt, frame);
        }
    }

    public void Dispose() => Buffer.Dispose();
}
