using System.Runtime.InteropServices;
using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>One reading of a part of a RabbitMQ stream, for all who need entries of it, and what it teaches about all feeds.</summary>
internal sealed class LogScan
{
    private readonly IReadOnlyCollection<OlderRead> _readers;
    private readonly Dictionary<string, List<OlderRead>> _byFeed = [];

    /// <param name="readers">Who needs entries.</param>
    /// <param name="recentBytes">How many bytes of entries to keep for those who come later.</param>
    internal LogScan(IReadOnlyCollection<OlderRead> readers, long recentBytes)
    {
        (_readers, Found) = (readers, new RecentEntries(recentBytes));
        foreach (var reader in readers)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(_byFeed, reader.Feed, out _) ??= []).Add(reader);
        }
        After = readers.Min(reader => reader.After);
        Through = readers.Max(reader => reader.Through);
    }

    internal string Epoch => _readers.First().Epoch;

    /// <summary>Entries above this offset are needed.</summary>
    internal long After { get; }

    /// <summary>Entries up to this offset are needed.</summary>
    internal long Through { get; }

    /// <summary>What is at or below this offset was removed; 0: nothing was.</summary>
    internal long TrimmedThrough { get; private set; }

    /// <summary>The newest entries of all feeds, and the offsets of the others.</summary>
    internal RecentEntries Found { get; }

    /// <summary>Whether anybody still needs it.</summary>
    internal bool IsNeeded => _readers.Any(reader => !reader.IsDone);

    /// <summary>Begins, or begins again from an earlier place.</summary>
    internal void Begin(long trimmedThrough)
    {
        TrimmedThrough = trimmedThrough;
        Found.Clear(Math.Max(After, trimmedThrough));
        foreach (var reader in _readers.Where(reader => !reader.IsDone))
        {
            reader.BeginAgain();
        }
    }

    /// <summary>The epoch begins with the message at this offset: earlier ones belong to another, so nothing of this is missing.</summary>
    internal void BeginEpoch(long offset)
    {
        TrimmedThrough = 0;
        Found.Clear(offset >= After ? 0 : After);
    }

    /// <summary>Takes the next entry.</summary>
    internal void Add(string feed, FeedEntry entry)
    {
        Found.Add(feed, entry);
        if (!_byFeed.TryGetValue(feed, out var readers))
        {
            return;
        }
        foreach (var reader in readers)
        {
            if (!reader.IsDone && entry.Offset > reader.After)
            {
                reader.Add(entry);
                if (reader.IsFull)
                {
                    reader.Complete(TrimmedThrough, entry.Offset);
                }
            }
        }
    }

    /// <summary>Gives everybody what was found, after everything was read.</summary>
    internal void Complete()
    {
        foreach (var reader in _readers)
        {
            reader.Complete(TrimmedThrough, Through);
        }
    }
}
