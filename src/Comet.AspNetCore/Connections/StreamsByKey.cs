using System.Collections.Concurrent;

namespace Comet.AspNetCore.Connections;

/// <summary>How many streams each user, or each address, has open.</summary>
/// <param name="max">As many as a key may have.</param>
internal sealed class StreamsByKey(int max)
{
    private readonly ConcurrentDictionary<object, int> _counts = new();

    /// <summary>Counts one more, unless the key has as many as it may have.</summary>
    internal bool TryAdd(object key)
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
    internal void Remove(object key)
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
