using System.Runtime.InteropServices;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>What this server has of a stream: how far it was read, the newest entries, and the feeds that are open. Safe for concurrent use.</summary>
internal sealed class RabbitMQStreamView(long recentBytes)
{
    private readonly Lock _lock = new();
    private readonly RecentEntries _recent = new(recentBytes);
    private readonly Dictionary<string, List<IFeedTail>> _tails = [];
    private readonly Dictionary<string, List<FeedEntry>> _batches = [];
    private string? _epoch;
    private long _position;

    /// <summary>Where the reading is: the epoch, and the offset after which nothing was read; as ids have it, one above the stream's.</summary>
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

    /// <summary>The log begins anew: another epoch, or a part of it was missed. All that is open is told.</summary>
    /// <param name="epoch">The epoch in force.</param>
    /// <param name="start">Its entries above this offset follow.</param>
    /// <param name="position">How far the stream was read.</param>
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

    /// <summary>Adds what was read, up to a position.</summary>
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

    /// <summary>Resets a tail to the end of its feed, and gives it what follows.</summary>
    internal void Open(string feed, IFeedTail tail)
    {
        lock (_lock)
        {
            tail.Reset(_epoch ?? throw new InvalidOperationException("The stream was not read yet."), _recent.HeadOf(feed));
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

    /// <summary>A feed's entries after an offset, and above which offset all would be here; null entries: some may be older than that.</summary>
    internal (string Epoch, long Start, List<FeedEntry>? Entries) Read(string feed, long after, int max)
    {
        lock (_lock)
        {
            return (_epoch ?? throw new InvalidOperationException("The stream was not read yet."), _recent.Start, _recent.After(feed, after, max));
        }
    }
}
