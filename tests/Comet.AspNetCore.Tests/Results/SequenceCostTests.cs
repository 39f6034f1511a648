using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Feeds;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Results;

/// <summary>What an element costs, and a sequence that gives none. Runs alone, as it measures the process.</summary>
[Collection(nameof(Alone))]
public class SequenceCostTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task An_element_that_the_stream_waits_for_costs_no_allocation()
    {
        const int Warm = 200;
        const int Elements = 1000; // all of which the system keeps for a client that does not read
        var allocated = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", () => CometResults.Json(Numbers(), "parent.f")),
            builder => builder.Services.AddSingleton<TimeProvider>(_time)); // straight to the socket: a pipe has allocations of its own
        await using var connection = await app.ConnectAsync("/");

        var each = await allocated.Task.WithPatience() / Elements;

        Assert.InRange(each, 0, 31);

        async IAsyncEnumerable<int> Numbers()
        {
            var before = 0L;
            for (var i = 0; i < Warm + Elements; i++)
            {
                await Task.Yield();
                if (i == Warm)
                {
                    before = GC.GetTotalAllocatedBytes(precise: true);
                }
                yield return i;
            }
            await Task.Yield();
            allocated.SetResult(GC.GetTotalAllocatedBytes(precise: true) - before);
        }
    }

    [Fact]
    public async Task A_quiet_sequence_is_woken_by_nothing_but_its_heartbeats()
    {
        const int Streams = 100;
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", () => CometResults.String(Quiet(), "parent.f")),
            builder => builder.Services.AddSingleton<TimeProvider>(_time));
        var streams = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => app.OpenAsync("/")));
        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }
        await CountAsync(() => { }); // what opening has left to do

        var quiet = await CountAsync(() =>
        {
            for (var i = 0; i < 40; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(250));
            }
        });
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.InRange(quiet, 0, Streams / 2);
        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Heartbeat);
            await stream.DisposeAsync();
        }

        static async IAsyncEnumerable<string> Quiet()
        {
            await new TaskCompletionSource().Task;
            yield return "never";
        }
    }

    /// <summary>How often a thread of the pool has something to do, from an action until it is over.</summary>
    private static async Task<long> CountAsync(Action action)
    {
        var before = ThreadPool.CompletedWorkItemCount;
        action();
        await Task.Delay(500, TestContext.Current.CancellationToken);
        return ThreadPool.CompletedWorkItemCount - before;
    }
}
