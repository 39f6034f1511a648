using System.Runtime.CompilerServices;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A client that does not read, next to one that does.</summary>
public class SlowClientTests
{
    private const int Retain = 10;
    private const int Messages = 100;
    private const int Size = 100_000; // in all more than the system keeps for a connection that is not read

    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);

    private readonly ManualTime _time = new(); // so that a reader that is starved for a while is not taken for one that does not read

    public static TheoryData<string> Wires => [.. Enum.GetNames<Wire>()];

    [Theory, MemberData(nameof(Wires))]
    public async Task By_default_its_stream_ends_with_the_reason(string wire)
    {
        await using var app = await StartAsync(wire, SlowClientPolicy.End);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var slow = await StallAsync(app, client);

        var received = await slow.RestAsync();

        var end = received[^1];
        Assert.Equal("too-slow", end.Reason);
        Assert.InRange(end.Retry!.Value.TotalMilliseconds, 100, 5000);
        received.RemoveAt(received.Count - 1);
        Assert.Equal(Enumerable.Range(1, received.Count), received.Select(NumberOf));
        Assert.InRange(received.Count, 1, Messages - Retain - 1);
        // It comes back, and learns that it has missed something.
        await using var back = await app.OpenAsync("/", lastEventId: received[^1].Id);
        Assert.False((await back.NextAsync(CometMessageKind.Open)).Recovered);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task It_may_skip_to_what_is_retained_and_is_told_how_much(string wire)
    {
        await using var app = await StartAsync(wire, SlowClientPolicy.Skip);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var slow = await StallAsync(app, client);

        var next = 1;
        var skips = new List<long>();
        while (next <= Messages)
        {
            var message = await slow.NextAsync();
            if (message.Kind == CometMessageKind.Skipped)
            {
                skips.Add(message.Count!.Value);
                next += (int)message.Count.Value;
            }
            else
            {
                Assert.Equal(next++, NumberOf(message));
            }
        }

        Assert.NotEmpty(skips);
        Assert.All(skips, count => Assert.True(count > 0));
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task It_may_have_the_newest_only_and_is_told_how_much_it_skipped(string wire)
    {
        await using var app = await StartAsync(wire, SlowClientPolicy.Latest);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var slow = await StallAsync(app, client);

        var next = 1;
        var afterSkips = new List<int>();
        while (next <= Messages)
        {
            var message = await slow.NextAsync();
            if (message.Kind == CometMessageKind.Skipped)
            {
                Assert.True(message.Count > 0);
                next += (int)message.Count.Value;
                afterSkips.Add(next);
            }
            else
            {
                Assert.Equal(next++, NumberOf(message));
            }
        }

        Assert.Equal(Messages, afterSkips[^1]);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task A_client_that_takes_nothing_until_the_deadline_is_cut_off(string wire)
    {
        await using var app = await StartAsync(wire, SlowClientPolicy.Skip);
        using var meter = new RecordedMeter(app);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using (await StallAsync(app, client))
        {
            await DeadlinesPassAsync(app);
        }

        await app.StopWithoutErrorAsync();
        Assert.Equal(1, meter.Of("comet.stream.duration").Count(ended => ended.Tags.Contains("comet.end.reason=too-slow")));
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task A_sequence_whose_client_takes_nothing_is_released(string wire)
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", () => CometResults.String(Endless(), "parent.f")),
            Configure,
            Enum.Parse<Wire>(wire));
        using var meter = new RecordedMeter(app);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await TestStream.OpenAsync(client, "/", CometFormat.ScriptTags, null);

        await DeadlinesPassAsync(app);
        await left.Task.WithPatience();

        await app.StopWithoutErrorAsync();
        Assert.Contains("comet.end.reason=too-slow", Assert.Single(meter.Of("comet.stream.duration")).Tags);

        async IAsyncEnumerable<string> Endless([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                while (true)
                {
                    await Task.Yield();
                    yield return new string('x', Size);
                }
            }
            finally
            {
                left.TrySetResult();
            }
        }
    }

    // More than one, as a connection's buffer may still grow and take something.
    private Task DeadlinesPassAsync(TestApp app) => Eventually.HoldsAsync(
        () =>
        {
            _time.Advance(WriteTimeout);
            return app.OpenStreams == 0;
        },
        "the deadline ends the stream");

    private Task<TestApp> StartAsync(string wire, SlowClientPolicy policy) => NewsApp.StartAsync(
        Enum.Parse<Wire>(wire),
        feed =>
        {
            feed.Retain = Retain;
            feed.WhenSlow = policy;
        },
        configure: Configure);

    private void Configure(WebApplicationBuilder builder)
    {
        builder.AllowStalling();
        builder.Services.AddSingleton<TimeProvider>(_time);
    }

    /// <summary>
    /// A client that has read the open message, and then nothing while all messages were published and another client read them.
    /// </summary>
    private static async Task<TestStream> StallAsync(TestApp app, HttpClient client)
    {
        var slow = await TestStream.OpenAsync(client, "/", CometFormat.Ndjson, null);
        await slow.NextAsync(CometMessageKind.Open);
        // A lane that gets it later finds that it has missed all of them.
        var lanes = app.Services.GetRequiredService<Lanes>();
        await Eventually.HoldsAsync(
            async () => (await lanes.ReportAsync()).Sum(lane => lane.Groups.Sum(group => group.Connections)) == 1, "a lane has it");
        await PublishToFastAsync(app, Messages);
        return slow;
    }

    private static async Task PublishToFastAsync(TestApp app, int messages)
    {
        await using var fast = await app.OpenAsync("/", CometFormat.Ndjson);
        await fast.NextAsync(CometMessageKind.Open);
        for (var i = 1; i <= messages; i++)
        {
            await app.PublishAsync(i + new string(' ', Size));
            Assert.Equal(i, NumberOf(await fast.NextAsync(CometMessageKind.Message)));
        }
    }

    private static int NumberOf(CometMessage message) => int.Parse(message.Value.GetString()!);
}
