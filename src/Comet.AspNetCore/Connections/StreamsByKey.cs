using System.Collections.Concurrent;

namespace Comet.AspNetCore.Connections;

/// <summary>How many streams each user, each address or each network has open.</summary>
/// <param name="max">As many as a key may have.</param>
internal sealed class StreamsByKey<TKey>(int max)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, int> _counts = new();

    /// <summary>Counts one more, unless the key has as many as it may have.</summary>
    internal bool TryAdd(TKey key)
    {
        while (true)
        {
            if (!_counts.TryGetValue(key, out var count))
            {
                if (_counts.TryAdd(key, 1))
                {
                    return true;
                }
            }
            else if (count >= max)
            {
                return false;
            }
            else if (_counts.TryUpdate(key, count + 1, count))
            {
                return true;
            }
        }
    }

    /// <summary>Counts one less. A key without streams costs nothing.</summary>
    internal void Remove(TKey key)
    {
        while (true)
        {
            var count = _counts[key];
            if (count == 1 ? _counts.TryRemove(new(key, 1)) : _counts.TryUpdate(key, count - 1, count))
            {
                return;
            }
        }
    }
}
