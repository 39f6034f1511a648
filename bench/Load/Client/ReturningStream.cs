using System.Globalization;

namespace CometBench.Load.Client;

/// <summary>A client that reads its stream to the end, waits as it is told, as CometSource does, and tries once to come back.</summary>
internal sealed class ReturningStream(HttpClient client, string path)
{
    private static readonly TimeSpan LeastDelay = TimeSpan.FromMilliseconds(250);

    private Task _run = Task.CompletedTask;

    internal StreamEnd? End { get; private set; }

    /// <summary>When it tried to come back; null: it was told not to.</summary>
    internal long? ReturnedAt { get; private set; }

    /// <summary>What it was answered then.</summary>
    internal string? Answer { get; private set; }

    internal async Task OpenAsync()
    {
        var response = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        _run = RunAsync(response.EnsureSuccessStatusCode());
    }

    /// <summary>Waits until it has tried to come back.</summary>
    internal Task WaitAsync(TimeSpan patience) => _run.WaitAsync(patience);

    private async Task RunAsync(HttpResponseMessage response)
    {
        using (response)
        {
            End = await StreamEnd.ReadAsync(response);
        }
        if (DelayAfter(End) is not { } delay)
        {
            return;
        }
        await Task.Delay(delay);
        ReturnedAt = Marker.Now;
        try
        {
            using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            Answer = ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            Answer = "nobody answers";
        }
    }

    // Of a stream that was open for a while. Without a last word the client waits a random time, as it would after a crash.
    private static TimeSpan? DelayAfter(StreamEnd end) =>
        end.Reason is null ? LeastDelay + TimeSpan.FromSeconds(Random.Shared.NextDouble())
        : end.Retry is { } retry && retry < LeastDelay ? LeastDelay
        : end.Retry;
}
