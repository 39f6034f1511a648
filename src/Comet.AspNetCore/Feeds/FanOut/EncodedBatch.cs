using System.Buffers;
using System.Runtime.InteropServices;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// What follows a place in the feeds of a group, encoded once for all connections at that place. A place is given as the indexes of the
/// feeds that have more, and a cursor for each.
/// </summary>
internal sealed class EncodedBatch : IDisposable
{
    // Half of Kestrel's default write buffer: a larger write would wait even for a client that keeps up.
    private const int MaxBytes = 32 * 1024;

    private readonly List<int> _feeds = [];
    private readonly List<TailCursor> _from = [];
    private readonly List<TailCursor> _to = [];
    private readonly List<Part> _parts = [];
    private readonly List<StreamPosition.Place> _places = [];
    private readonly ArrayBufferWriter<byte> _idPrefix = new();
    private ConnectionGroup? _group;
    private EncodedFrame? _loaded;

    /// <summary>What it has of one feed.</summary>
    /// <param name="Feed">The feed.</param>
    /// <param name="Messages">How many messages.</param>
    /// <param name="Bytes">How long they are.</param>
    /// <param name="AppendedAt">When the last of them was appended.</param>
    internal readonly record struct Part(FeedCore Feed, long Messages, int Bytes, long AppendedAt);

    internal FrameBuffer Buffer { get; } = new();

    internal ReadOnlySpan<Part> Parts => CollectionsMarshal.AsSpan(_parts);

    /// <summary>Where those are that have it; the same place as before where a tail has lost it.</summary>
    internal ReadOnlySpan<TailCursor> To => CollectionsMarshal.AsSpan(_to);

    /// <summary>Encodes what follows.</summary>
    /// <returns>False: a tail has lost the place.</returns>
    internal bool TryFill(ConnectionGroup group, ReadOnlySpan<int> feeds, ReadOnlySpan<TailCursor> from)
    {
        if (_group == group &&
            from.SequenceEqual(CollectionsMarshal.AsSpan(_from)) &&
            feeds.SequenceEqual(CollectionsMarshal.AsSpan(_feeds)))
        {
            return _parts.Count > 0;
        }
        Clear();
        _group = group;
        _feeds.AddRange(feeds);
        _from.AddRange(from);
        _to.AddRange(from);
        for (var i = 0; i < feeds.Length && Buffer.Length < MaxBytes; i++)
        {
            var feed = group.Feeds[feeds[i]];
            if (from[i] != feed.State.End)
            {
                Encode(group, feed, i);
            }
        }
        return _parts.Count > 0;
    }

    /// <summary>Ends the use in one pass, as the logs may grow until the next. Gives back memory that a long message needed.</summary>
    internal void Expire()
    {
        Clear();
        Buffer.Shrink(2 * MaxBytes);
    }

    public void Dispose() => Buffer.Dispose();

    private void Encode(ConnectionGroup group, LaneFeed feed, int index)
    {
        var (from, length) = (_from[index], Buffer.Length);
        var (to, appendedAt) = LoadFrame(group, feed, from) ?? AppendPiece(group, feed, from) ?? Write(group, feed, index);
        if (to != from)
        {
            _to[index] = to;
            var completions = feed.State.IsCompleted && to == feed.State.End ? 1 : 0; // the last entry, and no message
            _parts.Add(new Part(feed.Feed, to.Index - from.Index - completions, Buffer.Length - length, appendedAt));
        }
    }

    private (TailCursor To, long AppendedAt)? LoadFrame(ConnectionGroup group, LaneFeed feed, TailCursor from)
    {
        if (group.Set.AreNamed || feed.Feed.Subscriptions.Frames.Find(group.Format, name: null, from) is not var (end, frame) ||
            end.To.Index > feed.State.Next)
        {
            return null;
        }
        Buffer.Load(frame);
        _loaded = frame;
        return end;
    }

    private (TailCursor To, long AppendedAt)? AppendPiece(ConnectionGroup group, LaneFeed feed, TailCursor from)
    {
        if (!Shares(group, feed) || feed.Feed.Subscriptions.Pieces.Find(group.Format, group.NameOf(feed), from) is not { } piece ||
            piece.To.Index > feed.State.Next)
        {
            return null;
        }
        Buffer.Append(piece.Content);
        return (piece.To, piece.AppendedAt);
    }

    private (TailCursor To, long AppendedAt) Write(ConnectionGroup group, LaneFeed feed, int index)
    {
        var (from, length, name) = (_from[index], Buffer.Length, group.NameOf(feed));
        if (!TryWriteIdPrefix(group, index))
        {
            return (from, 0);
        }
        var (to, appendedAt) = feed.Feed.Tail.Write(
            from, feed.State.Next, MaxBytes, group.Format, Buffer, name, _idPrefix.WrittenSpan);
        if (to != from && Buffer.Length - length <= 2 * MaxBytes && Shares(group, feed))
        {
            feed.Feed.Subscriptions.Pieces.Add(new(group.Format, name, from, to, appendedAt, Buffer.Copy(length)));
        }
        return (to, appendedAt);
    }

    // Where ids are of all feeds of a stream, each set of feeds has its own.
    private static bool Shares(ConnectionGroup group, LaneFeed feed) => !group.HasStreamPositions && feed.Feed.Subscriptions.AreSeveral;

    // Empty: the ids are the feed's own. False: a tail has lost the place.
    private bool TryWriteIdPrefix(ConnectionGroup group, int index)
    {
        _idPrefix.ResetWrittenCount();
        if (!group.HasStreamPositions)
        {
            return true;
        }
        var own = _feeds[index];
        if (!group.TryFind(_places, CollectionsMarshal.AsSpan(_feeds), CollectionsMarshal.AsSpan(_to), except: own))
        {
            return false;
        }
        var feed = group.Feeds[own];
        StreamPosition.WritePrefix(_idPrefix, _places, new(feed.State.Head, feed.Feed.EncodedName.Tag));
        return true;
    }

    private void Clear()
    {
        // A connection that takes it slowly holds a copy, which others at the same place may share.
        if (Buffer.Shared is { } frame && frame != _loaded && _group is { Set.AreNamed: false } group)
        {
            group.Feeds[0].Feed.Subscriptions.Frames.Share(group.Format, name: null, _from[0], (_to[0], _parts[0].AppendedAt), frame);
        }
        Buffer.Clear();
        (_group, _loaded) = (null, null);
        _feeds.Clear();
        _from.Clear();
        _to.Clear();
        _parts.Clear();
    }
}
