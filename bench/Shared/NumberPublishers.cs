using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace CometBench;

/// <summary>Clients that publish numbers, each once, to one of several servers at random, at a rate that they share.</summary>
internal sealed class NumberPublishers(HttpClient client, Uri[] urls, int rate, long count = long.MaxValue)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _next;
    private long _slot;

    /// <summary>Numbers and the offsets that the server confirmed.</summary>
    internal ConcurrentDictionary<long, long> Confirmed { get; } = new();

    /// <summary>Numbers that may have been stored or not: the server died before it answered, or said that it does not know.</summary>
    internal ConcurrentBag<long> Unknown { get; } = [];

    internal Task RunAsync(int publishers, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, publishers).Select(_ => Task.Run(() => PublishAsync(cancellationToken), CancellationToken.None)));

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await WaitForTurnAsync();
            var number = Interlocked.Increment(ref _next);
            if (number > count)
            {
                return;
            }
            try
            {
                using var content = new StringContent(number.ToString(CultureInfo.InvariantCulture));
                using var answer = await client.PostAsync(
                    new Uri(Random.Shared.GetItems(urls, 1)[0], "/pub"), content, CancellationToken.None);
                answer.EnsureSuccessStatusCode();
                var position = answer.Headers.GetValues("Position").Single();
                Confirmed[number] = long.Parse(
                    position.AsSpan(position.IndexOf('-', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                Unknown.Add(number);
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    // Turns that were missed while the server was away are not made up for.
    private async Task WaitForTurnAsync()
    {
        var now = _clock.ElapsedTicks;
        var period = Stopwatch.Frequency / rate;
        long turn, seen;
        do
        {
            seen = Volatile.Read(ref _slot);
            turn = Math.Max(seen + period, now - (Stopwatch.Frequency / 20));
        }
        while (Interlocked.CompareExchange(ref _slot, turn, seen) != seen);
        var wait = (turn - now) * 1000 / Stopwatch.Frequency;
        if (wait > 0)
        {
            await Task.Delay((int)wait);
        }
    }
}
