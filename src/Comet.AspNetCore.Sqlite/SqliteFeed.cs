using System.Runtime.InteropServices;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

/// <summary>A feed that is open. Only the writer's thread uses it.</summary>
internal sealed class SqliteFeed(string name, ILogger logger)
{
    private readonly List<IFeedTail> _tails = [];
    private readonly List<FeedEntry> _undelivered = [];
    private SqliteDatabase.FeedRow _row;
    private long _delivered;
    private string? _deliveredEpoch;
    private long? _resetTo;
    private volatile Committed _committed = new(0, "");

    internal string Name => name;

    /// <summary>Where readers find it in the file.</summary>
    internal Committed InFile => _committed;

    internal required FeedRetention Retention { get; set; }

    internal bool IsOpen => _tails.Count > 0;

    /// <summary>Reads the feed's state from the file: at first use, and after a failure, when it is uncertain what was stored.</summary>
    internal void Load(SqliteDatabase database)
    {
        _row = database.OpenFeed(name, Retention.Age);
        _undelivered.Clear();
        if (_row.Id == 0 && _delivered == 0 && _deliveredEpoch is { } asked)
        {
            _row = _row with { Epoch = asked }; // it stays while the feed is open, whatever is removed beside it
        }
        var foreign = database.RemoveForeign(_row.Id);
        if (foreign > 0)
        {
            SqliteLogMessages.RowsForeign(logger, name, foreign);
        }
        if (_row.Head is < 0 or > SqliteSchema.MaxOffset || (foreign > 0 && _row.Head == _row.Trimmed)) // none may be left of its own
        {
            BeginAnew(database);
        }
        if (_row.Epoch == _deliveredEpoch && _row.Head < _delivered)
        {
            // An older copy of the file is in its place, which would give offsets that clients know to other entries.
            _row = _row with { Epoch = _row.Id == 0 ? SqliteEpoch.New() : database.RenewFeed(_row.Id) };
        }
        // The tails are reset when the epoch is another, or when retention has removed entries that they never got.
        _resetTo = _row.Epoch == _deliveredEpoch && _row.Trimmed <= _delivered ? null : EndForTails;
        _undelivered.AddRange(database.After(_row.Id, _resetTo ?? _delivered));
    }

    /// <summary>Appends an entry; a second completion gets the position of the first.</summary>
    /// <returns>The position, null if the feed is completed; and whether the entry was written.</returns>
    internal (FeedPosition? Position, bool HasWritten) Append(SqliteDatabase database, ReadOnlyMemory<byte> payload, DateTimeOffset at)
    {
        if (_row.Completion is { } completion)
        {
            return (payload.IsEmpty ? new FeedPosition(_row.Epoch, completion.Offset) : null, false);
        }
        if (_row.Id == 0)
        {
            _row = _row with { Id = database.AddFeed(name, _row.Epoch, Retention.Age) };
        }
        if (_row.Head == SqliteSchema.MaxOffset)
        {
            BeginAnew(database);
            _undelivered.Clear();
            _resetTo = 0;
        }
        RedateIfAhead(database, at); // the dates of a feed do not fall, so that readers find a time without reading all of them
        var entry = new FeedEntry(_row.Head + 1, payload, at);
        var isWholeArray = MemoryMarshal.TryGetArray(payload, out var array) && array.Offset == 0 && array.Count == array.Array!.Length;
        var bytes = isWholeArray ? array.Array! : payload.ToArray();
        database.Add(_row.Id, entry, bytes, _row.Total + payload.Length);
        _row = _row with
        {
            Head = entry.Offset,
            Total = _row.Total + payload.Length,
            OldestAt = _row.Head == _row.Trimmed ? at : _row.OldestAt,
            NewestAt = at,
            Completion = entry.IsCompletion ? entry : null,
        };
        _undelivered.Add(entry);
        return (new FeedPosition(_row.Epoch, entry.Offset), true);
    }

    /// <summary>Whether it has entries that retention no longer covers, or that the clock has not reached.</summary>
    internal bool IsDue(DateTimeOffset now) => IsAhead(now) || IsDue(_row, now - Retention.Age);

    /// <summary>Removes entries that retention no longer covers, as many as the budget allows.</summary>
    /// <returns>False: there is more to remove.</returns>
    internal bool Trim(SqliteDatabase database, DateTimeOffset now, ref int budget)
    {
        RedateIfAhead(database, now);
        var before = now - Retention.Age;
        if (!IsDue(_row, before))
        {
            return true;
        }
        var row = _row;
        foreach (var (offset, at, total) in database.Oldest(_row.Id))
        {
            row = row with { OldestAt = at };
            if (budget == 0 || !IsDue(row, before))
            {
                break;
            }
            budget--;
            row = row with { Trimmed = offset, TrimmedTotal = total };
        }
        if (row.Trimmed > _row.Trimmed)
        {
            var isHead = row.Trimmed == row.Head;
            database.RemoveThrough(_row.Id, row.Trimmed, isHead);
            _row = isHead ? row with { Completion = null } : row;
        }
        return !IsDue(row, before);
    }

    /// <summary>Resets a tail to the end of what is committed and hands it the entries that follow.</summary>
    internal void AddTail(IFeedTail tail)
    {
        tail.Reset(_row.Epoch, EndForTails);
        if (_row.Completion is { } completion)
        {
            tail.Append([completion]);
        }
        _tails.Add(tail);
    }

    internal void RemoveTail(IFeedTail tail) => _tails.Remove(tail);

    /// <summary>Hands the committed entries to the tails.</summary>
    internal void Deliver()
    {
        foreach (var tail in _tails)
        {
            if (_resetTo is { } head)
            {
                tail.Reset(_row.Epoch, head);
            }
            tail.Append(CollectionsMarshal.AsSpan(_undelivered));
        }
        _undelivered.Clear();
        _resetTo = null;
        (_deliveredEpoch, _delivered) = (_row.Epoch, _row.Head);
        if (_committed.Id != _row.Id || _committed.Epoch != _row.Epoch)
        {
            _committed = new Committed(_row.Id, _row.Epoch);
        }
    }

    // Another program has written offsets, and what is left does not say which ones clients know.
    private void BeginAnew(SqliteDatabase database)
    {
        SqliteLogMessages.BegunAnew(logger, name, _row.Head);
        _row = new SqliteDatabase.FeedRow(_row.Id, database.BeginAnew(_row.Id), 0, 0, 0, 0);
    }

    // A tail gets the completion, if there is one.
    private long EndForTails => _row.Completion is null ? _row.Head : _row.Head - 1;

    private bool IsAhead(DateTimeOffset now) => _row.Head > _row.Trimmed && _row.NewestAt > now;

    private void RedateIfAhead(SqliteDatabase database, DateTimeOffset now)
    {
        if (IsAhead(now))
        {
            database.Redate(_row.Id, now);
            _row = _row with { OldestAt = _row.OldestAt > now ? now : _row.OldestAt, NewestAt = now };
        }
    }

    private bool IsDue(in SqliteDatabase.FeedRow row, DateTimeOffset before)
    {
        var count = row.Head - row.Trimmed;
        var messages = row.Completion is null ? count : count - 1;
        var isTooMuch = messages > Retention.Entries || row.Total - row.TrimmedTotal > Retention.Bytes;
        return count > 0 && (row.OldestAt < before || (count > 1 && isTooMuch));
    }

    /// <summary>What readers need to know.</summary>
    /// <param name="Id">The feed's id in the file; 0: it is not there yet, as it never had an entry.</param>
    /// <param name="Epoch">Its epoch.</param>
    internal sealed record Committed(long Id, string Epoch);
}
