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
    private readonly RecentEntries _recent = new(recentBytes);
    private readonly Dictionary<string, List<IFeedTail>> _tails = [];
    private readonly Dictionary<string, List<FeedEntry>> _batches = [];
    private string? _epoch;
    private long _position;

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
            (_epoch, _position) = (epoch, position);
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

    /// <summary>Resets a tail to the end of its feed and hands it the entries that follow.</summary>
    internal void Open(string feed, IFeedTail tail)
    {
        lock (_lock)
        {
            tail.Reset(Epoch, _recent.HeadOf(feed));
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
    /// Reads a feed's entries after an offset, with the current epoch and the offset above which all entries are here. The entries are
    /// null when some of them may be older than that.
    /// </summary>
    internal (string Epoch, long Start, List<FeedEntry>? Entries) Read(string feed, long after, int max)
    {
        lock (_lock)
        {
            return (Epoch, _recent.Start, _recent.After(feed, after, max));
        }
    }
}
