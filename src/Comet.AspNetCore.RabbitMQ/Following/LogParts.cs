namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// What this server knows of a RabbitMQ stream before the entries in memory: parts of which it knows whose entries they have. A client that
/// was away is taken past all the others without a reading. What was read once teaches that, whoever it was read for.
/// </summary>
internal sealed class LogParts
{
    private readonly List<LogPart> _parts = []; // rising, and none overlaps another

    /// <summary>How many bytes of memory they take.</summary>
    internal long Bytes { get; private set; }

    internal void Clear()
    {
        _parts.Clear();
        Bytes = 0;
    }

    /// <summary>Adds an entry above all parts. What lies between it and another offset has no entries.</summary>
    internal void Append(string feed, long after, long offset, int payload)
    {
        var part = _parts.Count > 0 ? _parts[^1] : null;
        if (part is null || part.IsFull || part.Through != after)
        {
            _parts.Add(part = new LogPart(after));
            Bytes += part.Bytes;
        }
        Bytes -= part.Bytes;
        part.Add(feed, offset);
        part.Extend(offset, payload);
        Bytes += part.Bytes;
    }

    /// <summary>Adds a part, as far as it was not known.</summary>
    internal void Add(LogPart part)
    {
        var index = IndexOf(part.After) + 1;
        part.Narrow(
            after: index > 0 ? _parts[index - 1].Through : 0,
            through: index < _parts.Count ? _parts[index].After : long.MaxValue);
        if (part.After >= part.Through)
        {
            return;
        }
        if (index > 0)
        {
            // A client that takes little at a time would leave many small ones.
            var before = _parts[index - 1];
            var bytes = before.Bytes;
            if (before.TryAdd(part))
            {
                Bytes += before.Bytes - bytes;
                return;
            }
        }
        _parts.Insert(index, part);
        Bytes += part.Bytes;
    }

    /// <summary>Forgets what lies above an offset.</summary>
    internal void ForgetAbove(long offset)
    {
        Remove(IndexOf(offset - 1) + 1, _parts.Count);
        if (_parts.Count > 0)
        {
            _parts[^1].Narrow(0, offset);
        }
    }

    /// <summary>Forgets the parts that lie at or below an offset.</summary>
    internal void ForgetThrough(long offset) => Remove(0, _parts.FindLastIndex(part => part.Through <= offset) + 1);

    /// <summary>Forgets the oldest parts until they take no more than this memory.</summary>
    internal void Shrink(long maxBytes)
    {
        var count = 0;
        for (var bytes = Bytes; bytes > maxBytes; count++)
        {
            bytes -= _parts[count].Bytes;
        }
        Remove(0, count);
    }

    /// <summary>Finds the first part between two offsets that has to be read for a feed, as it may have entries of it.</summary>
    /// <returns>The part lies above the first offset, up to the second; both are the same when there is none.</returns>
    internal (long After, long Through) Find(string feed, long after, long end)
    {
        for (var index = IndexOf(after); after < end;)
        {
            if (index < 0 || after >= _parts[index].Through)
            {
                index++;
                var next = index < _parts.Count ? Math.Min(_parts[index].After, end) : end;
                if (after < next)
                {
                    return (after, next); // nothing is known of it
                }
            }
            else if (_parts[index].MayHave(feed, after))
            {
                return (after, Math.Min(_parts[index].Through, end));
            }
            else
            {
                after = _parts[index].Through;
            }
        }
        return (after, after);
    }

    /// <summary>Finds the last part between two offsets that has to be read for a feed, as it may have entries of it.</summary>
    /// <returns>The part lies above the first offset, up to the second; both are the same when there is none.</returns>
    internal (long After, long Through) FindLast(string feed, long after, long end)
    {
        for (var index = IndexOf(end - 1); end > after; index--)
        {
            var part = index >= 0 ? _parts[index] : null;
            if (part is null || part.Through < end)
            {
                return (Math.Max(after, part?.Through ?? 0), end); // nothing is known of it
            }
            if (part.MayHave(feed, Math.Max(after, part.After)))
            {
                return (Math.Max(after, part.After), end);
            }
            end = part.After;
        }
        return (after, after);
    }

    // The last part that begins at or before an offset; -1: there is none.
    private int IndexOf(long offset)
    {
        var (low, high) = (0, _parts.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _parts[middle].After <= offset ? (middle + 1, high) : (low, middle);
        }
        return low - 1;
    }

    private void Remove(int from, int to)
    {
        for (var index = from; index < to; index++)
        {
            Bytes -= _parts[index].Bytes;
        }
        _parts.RemoveRange(from, to - from);
    }
}
