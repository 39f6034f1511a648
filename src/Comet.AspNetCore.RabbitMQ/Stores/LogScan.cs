using System.Diagnostics;
using System.Runtime.InteropServices;
using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// One reading of a part of a RabbitMQ stream, for all who need entries of it. It ends where it has read enough: so nobody waits long for
/// another, and what was read counts, whatever comes after it.
/// </summary>
internal sealed class LogScan
{
    // A broker that is slow gives less at a time.
    private static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(1);

    private readonly List<OlderRead> _readers; // by the places where they begin
    private readonly Dictionary<string, List<OlderRead>> _byFeed = [];
    private readonly Stack<OlderRead> _unanswered = new(); // of those who were begun
    private readonly bool _keepsEntries;
    private int _begun;
    private long? _begunAt;

    /// <param name="epoch">The epoch of the entries.</param>
    /// <param name="after">Entries above this offset are needed.</param>
    /// <param name="through">Entries up to this offset are needed.</param>
    /// <param name="readers">Who needs entries.</param>
    /// <param name="keepsEntries">Whether the entries of all feeds are needed.</param>
    internal LogScan(string epoch, long after, long through, IReadOnlyList<OlderRead> readers, bool keepsEntries = false)
    {
        (Epoch, After, Through, _keepsEntries) = (epoch, after, through, keepsEntries);
        _readers = [.. readers.OrderBy(reader => reader.After)];
        Part = new LogPart(after);
        foreach (var reader in readers)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(_byFeed, reader.Feed, out _) ??= []).Add(reader);
        }
    }

    internal string Epoch { get; }

    internal long After { get; }

    internal long Through { get; }

    /// <summary>What is at or below this offset was removed; 0: nothing was.</summary>
    internal long TrimmedThrough { get; private set; }

    /// <summary>Up to where it was read.</summary>
    internal long Reached { get; private set; }

    /// <summary>Whose entries are in what was read.</summary>
    internal LogPart Part { get; private set; }

    /// <summary>The entries of all feeds, if these are needed.</summary>
    internal List<(string Feed, FeedEntry Entry)> Entries { get; } = [];

    /// <summary>Whether it has read enough: a part, or what everybody needs whose place it has reached.</summary>
    internal bool IsFull => Part.IsFull
        || (_begun > 0 && _unanswered.Count == 0)
        || (_begunAt is { } begunAt && Stopwatch.GetElapsedTime(begunAt) > MaxDuration);

    /// <summary>Whether something was read.</summary>
    internal bool HasProgress => Reached > After;

    /// <summary>Those of whose feeds nothing was found in what was read.</summary>
    internal IEnumerable<OlderRead> InVain => _readers.Where(reader => reader.After < Reached && !reader.IsAnswered && !reader.HasEntries);

    /// <summary>Begins, or begins again from an earlier place.</summary>
    internal void Begin(long trimmedThrough)
    {
        (TrimmedThrough, Reached, _begunAt) = (trimmedThrough, Math.Max(After, trimmedThrough), null);
        Part = new LogPart(Reached);
        Entries.Clear();
        _unanswered.Clear();
        _begun = 0;
        foreach (var reader in _readers)
        {
            reader.BeginAgain();
        }
    }

    /// <summary>The epoch begins with the message at this offset: earlier ones belong to another, so nothing of this is missing.</summary>
    internal void BeginEpoch(long offset)
    {
        TrimmedThrough = 0;
        Part = new LogPart(offset >= After ? 0 : After);
    }

    /// <summary>Takes the next entry.</summary>
    internal void Add(string feed, FeedEntry entry)
    {
        Part.Add(feed, entry.Offset);
        if (_keepsEntries)
        {
            Entries.Add((feed, entry));
        }
        if (!_byFeed.TryGetValue(feed, out var readers))
        {
            return;
        }
        foreach (var reader in readers)
        {
            // Also for one who has given up: its client may come again for what follows.
            if (!reader.IsAnswered && entry.Offset > reader.After)
            {
                reader.Add(entry);
                if (reader.IsFull)
                {
                    reader.Complete(TrimmedThrough, entry.Offset);
                }
            }
        }
    }

    /// <summary>Everything up to an offset was read.</summary>
    /// <param name="offset">That of the message that was read last.</param>
    /// <param name="payload">The length of its payload.</param>
    internal void Advance(long offset, int payload)
    {
        _begunAt ??= Stopwatch.GetTimestamp();
        Reached = offset;
        Part.Extend(offset, payload);
        for (; _begun < _readers.Count && _readers[_begun].After < offset; _begun++)
        {
            _unanswered.Push(_readers[_begun]);
        }
        while (_unanswered.TryPeek(out var reader) && reader.IsAnswered)
        {
            _unanswered.Pop();
        }
    }

    /// <summary>Everything was read, or removed.</summary>
    internal void End()
    {
        Reached = Math.Max(Through, Reached);
        Part.Extend(Reached, payload: 0);
    }

    /// <summary>Gives what was found to all who have waited for what was read.</summary>
    internal void Complete()
    {
        foreach (var reader in _readers.Where(reader => reader.After < Reached))
        {
            reader.Complete(TrimmedThrough, Reached);
        }
    }

    internal void Fail(Exception exception)
    {
        foreach (var reader in _readers)
        {
            reader.Fail(exception);
        }
    }
}
