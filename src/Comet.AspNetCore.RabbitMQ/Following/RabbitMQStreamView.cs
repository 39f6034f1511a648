using System.Runtime.InteropServices;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// What this server knows of a RabbitMQ stream: the position up to which it was read, the newest entries, and the tails of the feeds that
/// are open. Safe for concurrent use.
/// </summary>
internal sealed class RabbitMQStreamView(long recentBytes)
{
    private readonly Lock _lock = new();
    private RecentEntries _recent = new(recentBytes);
    private readonly Dictionary<string, List<IFeedTail>> _tails = [];
    private readonly Dictionary<string, List<FeedEntry>> _batches = [];
    private string? _epoch;
    private long _position;
    private long _advanced;
    private long _trimmedThrough;

    /// <summary>How many bytes of entries are held in memory at most.</summary>
    internal long RecentBytes => recentBytes;

    private string Epoch => _epoch ?? throw new InvalidOperationException("A feed is used before its RabbitMQ stream was read.");

    /// <summary>The position up to which the stream was read, one above RabbitMQ's offset; null: the epoch is not known yet.</summary>
    internal FeedPosition? Position
    {
        get
        {
            lock (_lock)
            {
                return _epoch is null ? null : new FeedPosition(_epoch, _position);
            }
        }
    }

    /// <summary>Begins anew, because another epoch has begun or a part of the log was missed, and resets all tails.</summary>
    /// <param name="epoch">The current epoch.</param>
    /// <param name="start">The entries above this offset follow.</param>
    /// <param name="position">The offset up to which the stream was read.</param>
    internal void Reset(string epoch, long start, long position)
    {
        lock (_lock)
        {
            (_epoch, _position, _advanced, _trimmedThrough) = (epoch, position, position, 0);
            _recent.Clear(start);
            foreach (var tail in _tails.Values.SelectMany(tails => tails))
            {
                tail.Reset(epoch, start);
            }
        }
    }

    /// <summary>Adds entries, and hands them to the tails of their feeds.</summary>
    internal void Append(List<(string Feed, FeedEntry Entry)> entries, long position)
    {
        lock (_lock)
        {
            _position = position;
            foreach (var (feed, entry) in entries)
            {
                _recent.Add(feed, entry);
                if (_tails.ContainsKey(feed))
                {
                    (CollectionsMarshal.GetValueRefOrAddDefault(_batches, feed, out _) ??= []).Add(entry);
                }
            }
            foreach (var (feed, batch) in _batches)
            {
                foreach (var tail in _tails[feed])
                {
                    tail.Append(CollectionsMarshal.AsSpan(batch));
                }
            }
            _batches.Clear();
        }
    }

    /// <summary>Moves all tails to the position up to which the stream was read, as feeds without entries do not move otherwise.</summary>
    internal void Advance()
    {
        lock (_lock)
        {
            if (_advanced == _position)
            {
                return;
            }
            _advanced = _position;
            foreach (var tail in _tails.Values.SelectMany(tails => tails))
            {
                tail.Advance(_position);
            }
        }
    }

    /// <summary>Resets a tail to the end of its feed and hands it the entries that follow.</summary>
    internal void Open(string feed, IFeedTail tail)
    {
        lock (_lock)
        {
            if (_recent.NewestOf(feed) is { IsCompletion: true } completion)
            {
                tail.Reset(Epoch, completion.Offset - 1);
                tail.Append([completion]);
            }
            else
            {
                tail.Reset(Epoch, _recent.HeadOf(feed));
            }
            tail.Advance(_position);
            (CollectionsMarshal.GetValueRefOrAddDefault(_tails, feed, out _) ??= []).Add(tail);
        }
    }

    internal void Close(string feed, IFeedTail tail)
    {
        lock (_lock)
        {
            if (_tails.TryGetValue(feed, out var tails) && tails.Remove(tail) && tails.Count == 0)
            {
                _tails.Remove(feed);
            }
        }
    }

    /// <summary>
    /// Reads a feed's entries after an offset, with the current epoch and the offset at or below which everything is known to have been
    /// removed. The entries are null when some of them are not in memory.
    /// </summary>
    internal (string Epoch, long TrimmedThrough, List<FeedEntry>? Entries) Read(string feed, long after, int max)
    {
        lock (_lock)
        {
            return (Epoch, _trimmedThrough, _recent.After(feed, Math.Max(after, _trimmedThrough), max, out _));
        }
    }

    /// <summary>Whether a feed's entries after an offset are in memory, or the epoch is over.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="epoch">The epoch of the offset.</param>
    /// <param name="after">The offset.</param>
    /// <param name="through">Those that are not in memory lie at or below this offset.</param>
    internal bool IsInMemory(string feed, string epoch, long after, out long through)
    {
        lock (_lock)
        {
            return _recent.After(feed, after, 0, out through) is not null || epoch != _epoch;
        }
    }

    /// <summary>Takes what was read of the part before the entries in memory: the entries if they fit, otherwise their offsets.</summary>
    /// <param name="epoch">Their epoch.</param>
    /// <param name="older">The entries.</param>
    /// <param name="through">The offset up to which they were read.</param>
    /// <param name="trimmedThrough">What is at or below this offset was removed.</param>
    internal void AddOlder(string epoch, RecentEntries older, long through, long trimmedThrough)
    {
        lock (_lock)
        {
            if (epoch != _epoch)
            {
                return;
            }
            _trimmedThrough = Math.Max(_trimmedThrough, trimmedThrough);
            if (through < _recent.KnownFrom || older.KnownFrom >= _recent.KnownFrom)
            {
                return; // there is a gap between the two, or it teaches nothing
            }
            if (through < _recent.Start)
            {
                _recent.AddOlder(older);
                return;
            }
            older.TakeOver(_recent);
            _recent = older;
        }
    }

    /// <summary>The part before the entries in memory that would fit in beside them, by the average of their sizes.</summary>
    /// <param name="most">How many messages at most.</param>
    internal (string Epoch, long After, long Through) FindFitting(long most)
    {
        lock (_lock)
        {
            var (free, start) = (Math.Max(0, _recent.FreeBytes), _recent.Start);
            var average = Math.Max(1, (recentBytes - free) / Math.Max(1, _position - start));
            return (Epoch, Math.Max(_trimmedThrough, start - Math.Min(most, free / average)), start);
        }
    }
}
