namespace Comet.AspNetCore;

/// <summary>The streams that are open now, as the app may want to show. Inject it.</summary>
public sealed class OpenStreams
{
    private int _count;

    internal OpenStreams()
    {
    }

    /// <summary>How many there are in this process.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Counts one more, unless there are as many as there may be.</summary>
    internal bool TryAdd(int max)
    {
        var count = Count;
        while (count < max)
        {
            var seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count)
            {
                return true;
            }
            count = seen;
        }
        return false;
    }

    internal void Remove() => Interlocked.Decrement(ref _count);
}
