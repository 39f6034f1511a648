namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// A part of a RabbitMQ stream that is not in memory, and whose entries it has: of each feed the hash of its name and the place of its
/// newest entry. Feeds that share a hash may cost a reading in vain, nothing else.
/// </summary>
/// <param name="after">The part lies above this offset.</param>
internal sealed class LogPart(long after)
{
    /// <summary>How many messages a part has, about: what is read in a fraction of a second.</summary>
    internal const int MaxMessages = 4096;

    /// <summary>A part ends with the message that brings its payloads to this length.</summary>
    internal const long MaxBytes = 4 << 20;

    private const long KeyMask = -1L << 32;

    // Bytes of memory besides the feeds, estimated.
    private const int Overhead = 128;

    private readonly List<long> _feeds = []; // rising: the hash, and in the lower half the place
    private long _first;
    private long _payloads;

    /// <summary>It lies above this offset.</summary>
    internal long After { get; private set; } = after;

    /// <summary>It ends with this offset.</summary>
    internal long Through { get; private set; } = after;

    /// <summary>How many messages were read for it.</summary>
    internal int Messages { get; private set; }

    /// <summary>How many bytes of memory it takes.</summary>
    internal long Bytes => Overhead + (_feeds.Capacity * sizeof(long));

    /// <summary>The length of a payload on average; null: there is none.</summary>
    internal long? AveragePayload => _payloads > 0 ? _payloads / Messages : null;

    internal bool IsFull => Messages >= MaxMessages || _payloads >= MaxBytes;

    /// <summary>Adds the next entry.</summary>
    internal void Add(string feed, long offset) => Add(KeyOf(feed), offset);

    /// <summary>Adds a part that follows this one, if both together are no larger than a part.</summary>
    /// <returns>False: it does not, or they are.</returns>
    internal bool TryAdd(LogPart next)
    {
        if (Through != next.After || Messages + next.Messages > MaxMessages || _payloads + next._payloads > MaxBytes)
        {
            return false;
        }
        foreach (var feed in next._feeds)
        {
            var offset = next._first + (uint)feed;
            if (offset > Through) // the other part was longer once
            {
                Add(feed & KeyMask, offset);
            }
        }
        (Through, Messages, _payloads) = (next.Through, Messages + next.Messages, _payloads + next._payloads);
        return true;
    }

    /// <summary>Extends it through the next message.</summary>
    internal void Extend(long through, int payload) =>
        (Through, Messages, _payloads) = (through, Messages + 1, _payloads + payload);

    /// <summary>Leaves out what is at or below one offset, and what is above another. Its feeds stay, so it may name too many.</summary>
    internal void Narrow(long after, long through) => (After, Through) = (Math.Max(After, after), Math.Min(Through, through));

    /// <summary>Whether a feed may have entries above an offset in it.</summary>
    internal bool MayHave(string feed, long after) => Find(KeyOf(feed), out var index) && _first + (uint)_feeds[index] > after;

    private static long KeyOf(string feed) => (long)feed.GetHashCode(StringComparison.Ordinal) << 32;

    private void Add(long key, long offset)
    {
        _first = _feeds.Count == 0 ? offset : _first;
        var place = (uint)Math.Min(offset - _first, uint.MaxValue);
        if (Find(key, out var index))
        {
            _feeds[index] = key | place;
        }
        else
        {
            _feeds.Insert(index, key | place);
        }
    }

    private bool Find(long key, out int index)
    {
        index = _feeds.BinarySearch(key);
        index = index < 0 ? ~index : index;
        return index < _feeds.Count && (_feeds[index] ^ key) >> 32 == 0;
    }
}
