using System.Runtime.InteropServices;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// What this server knows of a RabbitMQ stream: the position up to which it was read, the newest entries, and the tails of the feeds that
/// are open. Safe for concurrent use.
/// </summary>
/// <param name="recentBytes">How many bytes of memory to use.</param>
/// <param name="keptFor">How long messages are kept.</param>
/// <param name="time">Measures that.</param>
internal sealed class RabbitMQStreamView(long recentBytes, TimeSpan keptFor, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly RecentEntries _recent = new(recentBytes);
    private readonly Searches _searches = new();
    private readonly FoundEntries _found = new();
    private readonly Arrivals _arrivals = new(keptFor, time);
    private readonly Completions _completions = new(keptFor, time);
    private readonly Dictionary<string, List<IFeedTail>> _tails = [];
    private readonly Dictionary<string, List<FeedEntry>> _batches = [];
    private string? _epoch;
    private long _position;
    private long _advanced;
    private long _trimmedThrough;
    private long _begunAt;

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

    /// <inheritdoc cref="Arrivals.OutdatedThrough"/>
    internal long OutdatedThrough
    {
        get
        {
            lock (_lock)
            {
                return _arrivals.OutdatedThrough;
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
            _searches.Clear();
            _found.Clear();
            _arrivals.Begin(position);
            _completions.Clear();
            _begunAt = time.GetTimestamp();
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
            _arrivals.Record(position);
            RemoveOutdatedCompletions();
            foreach (var (feed, entry) in entries)
            {
                _recent.Add(feed, entry);
                var before = _completions.Find(feed, out var isOver);
                var kind = _completions.Add(feed, entry);
                if (kind == EntryKind.BehindCompletion)
                {
                    continue;
                }
                if (kind == EntryKind.Begins && !isOver)
                {
                    ResetTails(feed, before!.Value.Offset); // they would hold the completion for longer than another server's
                }
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

    /// <summary>
    /// Moves all tails to the position up to which the stream was read, as feeds without entries do not move otherwise, and takes from them
    /// the completions that are too old.
    /// </summary>
    internal void Advance()
    {
        lock (_lock)
        {
            RemoveOutdatedCompletions();
            _completions.ForgetThrough(_arrivals.OutdatedThrough);
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
            if (_completions.Find(feed, out var isOver) is { } completion && !isOver)
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

    /// <summary>Reads a feed's entries after an offset from memory.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="after">The offset.</param>
    /// <param name="max">How many at most.</param>
    /// <param name="searchedFrom">Where the search has begun that has come to the offset; null: there.</param>
    internal MemoryPage Read(string feed, long after, int max, long? searchedFrom = null)
    {
        lock (_lock)
        {
            var reached = _found.NoneThrough(feed, Math.Max(after, _searches.Reached(feed, searchedFrom ?? after)));
            var entries = _recent.After(feed, Math.Max(reached, _trimmedThrough), max, out var missing);
            return new MemoryPage(Epoch, _trimmedThrough, entries, missing.After, missing.Through, _recent.Start);
        }
    }

    /// <summary>Finds where the newest messages of a feed begin.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="count">How many.</param>
    /// <param name="missing">What has to be read before.</param>
    /// <returns>The position that they follow; null: some of them are not, or may not be, known.</returns>
    internal FeedPosition? FindNewest(string feed, int count, out MemoryPage? missing)
    {
        lock (_lock)
        {
            missing = null;
            while (true)
            {
                var (after, older) = _found.Before(feed, _recent.Start, out var next);
                var known = _completions.Clean(feed, new FeedLogPage(Epoch, 0, [.. older, .. _recent.AllOf(feed)]));
                var bottom = Math.Max(known.TrimmedThrough, Math.Max(_trimmedThrough, _arrivals.OutdatedThrough));
                var messages = known.Entries.Where(entry => entry.Offset > bottom && !entry.IsCompletion).ToList();
                if (messages.Count > count)
                {
                    return new FeedPosition(Epoch, messages[^(count + 1)].Offset);
                }
                if (after <= bottom)
                {
                    return new FeedPosition(Epoch, bottom);
                }
                if (messages.Count == count)
                {
                    return new FeedPosition(Epoch, messages[0].Offset - 1); // what the message before it is does not matter
                }
                var unknown = _recent.FindLast(feed, Math.Max(bottom, next), after);
                if (unknown.Through < after)
                {
                    _found.Add(feed, unknown.Through, after, []);
                    continue;
                }
                var from = Math.Max(unknown.After, unknown.Through - LogPart.MaxMessages);
                if (_searches.Reached(feed, from) >= unknown.Through)
                {
                    _found.Add(feed, from, unknown.Through, []); // for one who has given up meanwhile
                    continue;
                }
                missing = new MemoryPage(Epoch, _trimmedThrough, Entries: null, from, unknown.Through, _recent.Start);
                return null;
            }
        }
    }

    /// <summary>Records which entries a feed has above one offset up to another.</summary>
    internal void AddFound(string epoch, string feed, long after, long through, List<FeedEntry> entries)
    {
        lock (_lock)
        {
            if (epoch != _epoch)
            {
                return;
            }
            _found.Add(feed, after, through, entries);
            if (entries.Exists(static entry => entry.IsCompletion))
            {
                var (_, older) = _found.Before(feed, _recent.Start, out _);
                LearnCompletion(feed, [.. older, .. _recent.AllOf(feed)]);
            }
        }
    }

    /// <summary>Whether a feed is completed, and when an entry that is published now has to be dated.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="at">Now; of an entry that begins a completed feed anew, the date by which every server knows that it does.</param>
    /// <returns>The completion; null: the feed takes entries.</returns>
    internal FeedPosition? FindCompletion(string feed, ref DateTimeOffset at)
    {
        lock (_lock)
        {
            if (_completions.Find(feed, out var isOver) is not { } completion)
            {
                return null;
            }
            at = isOver && _completions.EndOf(completion) is var end && end > at ? end : at;
            return isOver ? null : new FeedPosition(Epoch, completion.Offset);
        }
    }

    /// <inheritdoc cref="Completions.Clean"/>
    internal FeedLogPage Clean(string feed, FeedLogPage page)
    {
        lock (_lock)
        {
            return page.Epoch == _epoch ? _completions.Clean(feed, page) : page;
        }
    }

    /// <summary>Learns which feeds have entries in a part of the stream that was read.</summary>
    /// <param name="epoch">The epoch of the part.</param>
    /// <param name="part">The part.</param>
    /// <param name="trimmedThrough">What is at or below this offset was removed.</param>
    internal void Learn(string epoch, LogPart part, long trimmedThrough)
    {
        lock (_lock)
        {
            if (epoch == _epoch)
            {
                LearnTrimmed(trimmedThrough);
                _recent.Learn(part);
            }
        }
    }

    /// <summary>Records that a feed has no entries between two offsets.</summary>
    internal void RecordSearch(string epoch, string feed, long from, long through)
    {
        lock (_lock)
        {
            if (epoch == _epoch)
            {
                _searches.Record(feed, from, through);
            }
        }
    }

    /// <summary>Takes in the entries of a part before those in memory, if they fit.</summary>
    /// <returns>False: they do not.</returns>
    internal bool TryFill(string epoch, LogPart part, List<(string Feed, FeedEntry Entry)> entries, long trimmedThrough)
    {
        lock (_lock)
        {
            if (epoch != _epoch || part.Through != _recent.Start || !_recent.TryAddOlder(part.After, entries))
            {
                return false;
            }
            LearnTrimmed(trimmedThrough);
            foreach (var feed in entries.Where(older => older.Entry.IsCompletion).Select(older => older.Feed).Distinct())
            {
                LearnCompletion(feed, _recent.AllOf(feed));
            }
            return true;
        }
    }

    /// <summary>The part before the entries in memory that would fit in beside them, by the average of their sizes.</summary>
    /// <param name="most">How many messages at most.</param>
    internal (string Epoch, long After, long Through) FindFitting(long most)
    {
        lock (_lock)
        {
            var (free, start) = (Math.Max(0, _recent.FreeBytes), _recent.Start);
            var average = Math.Max(1, (recentBytes - free) / Math.Max(1, _recent.Count));
            return (Epoch, Math.Max(_trimmedThrough, start - Math.Min(most, free / average)), start);
        }
    }

    // Of all entries of a feed that are known.
    private void LearnCompletion(string feed, IEnumerable<FeedEntry> entries)
    {
        _completions.AddAgain(feed, entries, _begunAt);
        if (_completions.Find(feed, out var isOver) is { } completion && !isOver)
        {
            foreach (var tail in _tails.GetValueOrDefault(feed) ?? [])
            {
                tail.Append([completion]); // it comes late, as the tail was opened before it was read
            }
        }
    }

    private void RemoveOutdatedCompletions()
    {
        while (_completions.TakeOver() is var (feed, completion))
        {
            ResetTails(feed, completion.Offset);
            _advanced = 0; // their heads are behind the others
        }
    }

    // All readers of a completed feed were told the end, so none is there that could miss anything.
    private void ResetTails(string feed, long head)
    {
        _batches.Remove(feed, out var batch);
        foreach (var tail in _tails.GetValueOrDefault(feed) ?? [])
        {
            tail.Append(CollectionsMarshal.AsSpan(batch));
            tail.Reset(Epoch, head);
        }
    }

    private void LearnTrimmed(long trimmedThrough)
    {
        _trimmedThrough = Math.Max(_trimmedThrough, trimmedThrough);
        _recent.ForgetThrough(_trimmedThrough);
    }
}
