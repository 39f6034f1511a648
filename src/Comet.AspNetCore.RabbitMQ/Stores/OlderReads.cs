using Comet.AspNetCore.RabbitMQ.Following;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// Readers who wait for parts of a RabbitMQ stream that are no longer in memory. One part after another is read, for the one who waits
/// longest and for all who need the same part; who needs more waits again, behind the others.
/// </summary>
/// <param name="view">What is in memory.</param>
/// <param name="read">Reads what a scan needs.</param>
internal sealed class OlderReads(RabbitMQStreamView view, Func<LogScan, Task> read)
{
    private readonly Lock _lock = new();
    private readonly List<OlderRead> _waiting = [];
    private bool _isReading;

    /// <summary>Reads a part that a reader needs.</summary>
    internal void Add(OlderRead reader)
    {
        lock (_lock)
        {
            _waiting.Add(reader);
            if (_isReading)
            {
                return;
            }
            _isReading = true;
        }
        _ = Task.Run(ReadAllAsync);
    }

    private async Task ReadAllAsync()
    {
        try
        {
            while (Next() is { } scan)
            {
                await ReadAsync(scan);
            }
        }
        catch (Exception exception)
        {
            Fail(exception); // the next who comes begins again
        }
    }

    private async Task ReadAsync(LogScan scan)
    {
        try
        {
            await read(scan);
        }
        catch (Exception exception)
        {
            // What was read before it counts. If the fault lasts, it is that of the next scan.
            if (!scan.HasProgress)
            {
                scan.Fail(exception);
                return;
            }
        }
        view.Learn(scan.Epoch, scan.Part, scan.TrimmedThrough); // first, so that those who go on find it
        foreach (var reader in scan.InVain)
        {
            view.RecordSearch(scan.Epoch, reader.Feed, reader.SearchedFrom, scan.Reached);
        }
        scan.Complete();
    }

    private void Fail(Exception exception)
    {
        lock (_lock)
        {
            _waiting.ForEach(reader => reader.Fail(exception));
            _waiting.Clear();
            _isReading = false;
        }
    }

    // For the one who waits longest. Null: nobody waits.
    private LogScan? Next()
    {
        lock (_lock)
        {
            _waiting.RemoveAll(reader => reader.IsDone || !IsStillNeeded(reader));
            if (_waiting.Count == 0)
            {
                _isReading = false;
                return null;
            }
            var first = _waiting[0];
            var lowest = first.HadScan ? first.After : first.After - LogPart.MaxMessages;
            var readers = _waiting.FindAll(
                reader => reader.Epoch == first.Epoch && reader.Through == first.Through && reader.After >= lowest);
            first.HadScan = true;
            return new LogScan(first.Epoch, readers.Min(reader => reader.After), first.Through, readers);
        }
    }

    // What was read since it began to wait may have answered it, or a part of it.
    private bool IsStillNeeded(OlderRead reader)
    {
        var memory = view.Read(reader.Feed, reader.After, max: 0, reader.SearchedFrom);
        if (memory.Entries is not null || memory.Epoch != reader.Epoch || memory.MissingAfter >= reader.Until)
        {
            reader.Return();
            return false;
        }
        reader.Narrow(memory.MissingAfter, Math.Min(memory.MissingThrough, reader.Until));
        return true;
    }
}
