using System.Diagnostics;
using System.Net;

namespace CometBench.Load.Client;

/// <summary>How messages are published in one stage.</summary>
internal abstract record LoadShape(TimeSpan Duration)
{
    /// <summary>Publishes for the duration.</summary>
    /// <returns>How many messages, when the last one was answered.</returns>
    internal abstract Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation);

    /// <summary>What a publisher waits for: at most so many messages are not yet delivered to everybody.</summary>
    internal virtual SemaphoreSlim? Window => null;

    /// <summary>
    /// Whether it runs once before it counts: so many connections take paths that the warm-up has not taken, and what a just-in-time
    /// compiler does about them is no cost of a delivery.
    /// </summary>
    internal virtual bool HasLeadIn => false;
}

/// <summary>
/// So many messages a second, whatever the server does; longer for a small audience, whose few deliveries measure little.
/// </summary>
internal sealed record PacedLoad(double Rate, int Audience, TimeSpan AtLeast)
    : LoadShape(TimeSpan.FromSeconds(Math.Max(AtLeast.TotalSeconds, LeastDeliveries / (Rate * Audience))))
{
    private const int LeastDeliveries = 30_000;

    /// <summary>Who take turns: at a high rate one alone would wait for its answers.</summary>
    internal int Publishers { get; init; } = 1;

    internal override bool HasLeadIn => true;

    internal override async Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation)
    {
        var start = Marker.Now;
        var turns = publishers.Take(Publishers).ToArray();
        await Task.WhenAll(turns.Select((publisher, turn) => PublishAsync(publisher, start, turn, cancellation)));
        return turns.Sum(publisher => publisher.Published);
    }

    private async Task PublishAsync(Publisher publisher, long start, int turn, CancellationToken cancellation)
    {
        var interval = Stopwatch.Frequency / Rate;
        var answered = 0L;
        for (var i = turn; i < Rate * Duration.TotalSeconds; i += Publishers)
        {
            var due = start + (long)(i * interval);
            if (Stopwatch.GetElapsedTime(Marker.Now, due) is { Ticks: > 0 } wait)
            {
                await Task.Delay(wait, cancellation);
            }
            // A message that had to wait for the answer to the one before is late by the server's fault, and is counted from when it
            // was due.
            await publisher.PublishAsync(answered > due ? due : Marker.Now, cancellation);
            answered = Marker.Now;
        }
    }
}

/// <summary>
/// As fast as the server answers, but never far ahead of the slowest stream: a server that only queues would be measured by its
/// memory.
/// </summary>
internal sealed record SaturatingLoad(TimeSpan Duration) : LoadShape(Duration)
{
    private const int Ahead = 64;

    internal override SemaphoreSlim Window { get; } = new(Ahead);

    internal override async Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation)
    {
        var start = Marker.Now;
        await Task.WhenAll(publishers.Select(async publisher =>
        {
            while (Stopwatch.GetElapsedTime(start) < Duration)
            {
                if (await Window.WaitAsync(Duration, cancellation))
                {
                    await publisher.PublishAsync(Marker.Now, cancellation);
                }
            }
        }));
        return publishers.Sum(publisher => publisher.Published);
    }
}

/// <summary>So many messages, as fast as they go: lets a just-in-time compiler see the path.</summary>
internal sealed record WarmUp(int Messages, int Size) : LoadShape(TimeSpan.FromSeconds(30))
{
    // Large messages must not run ahead of the clients by more than a server may retain.
    internal override SemaphoreSlim Window { get; } = new(Math.Clamp(2_000_000 / Size, 1, 64));

    internal override async Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation)
    {
        var left = Messages;
        await Task.WhenAll(publishers.Select(async publisher =>
        {
            while (Interlocked.Decrement(ref left) >= 0 && await Window.WaitAsync(Duration, cancellation))
            {
                await publisher.PublishAsync(Marker.Now, cancellation);
            }
        }));
        return publishers.Sum(publisher => publisher.Published);
    }
}

/// <summary>So many messages from threads of the server's own, as fast as the feed takes them.</summary>
internal sealed record Burst(IPEndPoint Server, int Threads, int Messages, int Size) : LoadShape(TimeSpan.FromSeconds(60))
{
    internal override async Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var answer = await http.PostAsync(
            $"http://{Server}/burst/pub?threads={Threads}&messages={Messages}&size={Size}", content: null, cancellation);
        answer.EnsureSuccessStatusCode();
        return Messages / Threads * Threads;
    }
}

/// <summary>Messages to feeds by turns, from the server itself.</summary>
/// <param name="Feeds">How many feeds.</param>
/// <param name="AtOnce">How many messages in one go; 1: evenly apart.</param>
internal sealed record Turns(IPEndPoint Server, int Feeds, int AtOnce, int Rate, TimeSpan Duration, int Size) : LoadShape(Duration)
{
    internal override bool HasLeadIn => true;

    internal override async Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation)
    {
        var seconds = (int)Duration.TotalSeconds;
        using var http = new HttpClient();
        using var answer = await http.PostAsync(
            $"http://{Server}/rooms/pub?count={Feeds}&rate={Rate}&atOnce={AtOnce}&seconds={seconds}&size={Size}",
            content: null,
            cancellation);
        answer.EnsureSuccessStatusCode();
        return Rate * seconds;
    }
}

/// <summary>A load, and something else for exactly as long as it lasts.</summary>
internal sealed record Accompanied(LoadShape Load, Func<CancellationToken, Task> BesideAsync) : LoadShape(Load.Duration)
{
    internal override SemaphoreSlim? Window => Load.Window;

    internal override async Task<long> PublishAsync(IReadOnlyList<Publisher> publishers, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var beside = BesideAsync(over.Token);
        try
        {
            return await Load.PublishAsync(publishers, cancellation);
        }
        finally
        {
            await over.CancelAsync();
            await beside;
        }
    }
}
