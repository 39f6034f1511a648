using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Streams;

/// <summary>Streams that the server ends, and what it says then.</summary>
public class EndTests
{
    private static readonly CometFormat[] AllFormats = Enum.GetValues<CometFormat>();

    public static TheoryData<string> Wires => [.. Enum.GetNames<Wire>()];

    [Theory, MemberData(nameof(Wires))]
    public async Task Stopping_ends_every_stream_at_once_and_tells_each_when_to_come_back(string wire)
    {
        await using var app = await StartBothAsync(wire);
        var streams = await OpenManyAsync(app, 100);
        var clock = Stopwatch.StartNew();

        var stopping = app.StopAsync();

        var ends = await EndsAsync(streams);
        await stopping.WithPatience();
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"It took {clock.Elapsed}."); // the host's own patience is 30 s
        Assert.All(ends, end => Assert.Equal("shutting-down", end.Reason));
        var retries = ends.Select(end => end.Retry!.Value.TotalMilliseconds).ToList();
        Assert.All(retries, retry => Assert.InRange(retry, 250, 5000));
        Assert.InRange(retries.Count(retry => retry < 2500), 20, 80);
        Assert.Empty(app.Log.Errors);
    }

    [Fact]
    public async Task A_source_that_never_comes_back_does_not_hold_the_host()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Stuck(), "parent.f")));
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        var clock = Stopwatch.StartNew();

        await app.StopAsync().WithPatience();

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"It took {clock.Elapsed}.");
        Assert.Equal("shutting-down", (await stream.NextAsync(CometMessageKind.End)).Reason);

        static async IAsyncEnumerable<string> Stuck()
        {
            await new TaskCompletionSource().Task;
            yield return "never";
        }
    }

    [Fact]
    public async Task A_client_that_does_not_read_does_not_hold_the_host()
    {
        await using var app = await NewsApp.StartAsync();
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stalled = await TestStream.OpenAsync(client, "/", CometFormat.ScriptTags, null);
        await stalled.NextAsync(CometMessageKind.Open);
        await app.PublishAsync(Enumerable.Repeat(new string('x', 1_000_000), 20)); // more than the system keeps
        var clock = Stopwatch.StartNew();

        await app.StopAsync().WithPatience();

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(8), $"It took {clock.Elapsed}."); // less than the write deadline
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Http2")]
    public async Task Draining_ends_streams_one_by_one_while_the_server_goes_on_answering(string wire)
    {
        await using var app = await StartBothAsync(wire, builder =>
        {
            builder.Configuration["Comet:Drain"] = "00:00:02";
            builder.Services.AddHealthChecks();
        });
        Assert.Equal("Healthy", await AnswerAsync(app, "/health/ready"));
        var streams = await OpenManyAsync(app, 40);
        var reading = streams.Select(async stream =>
        {
            var end = (await stream.RestAsync())[^1];
            return (end.Reason, At: Stopwatch.GetTimestamp());
        }).ToList();

        var stopping = app.StopAsync();

        await Task.WhenAny(reading).WithPatience();
        Assert.Equal("Unhealthy", await AnswerAsync(app, "/health/ready"));
        Assert.Equal("Healthy", await AnswerAsync(app, "/health/live"));
        using (var refused = await app.GetAsync("/feed"))
        {
            Assert.Equal(503, (int)refused.StatusCode);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 5);
            Assert.Equal("The server is shutting down. Try again.", await refused.Content.ReadAsStringAsync());
        }
        var ends = await Task.WhenAll(reading).WithPatience();
        await stopping.WithPatience();
        Assert.All(ends, end => Assert.Equal("draining", end.Reason));
        var spread = Stopwatch.GetElapsedTime(ends.Min(end => end.At), ends.Max(end => end.At));
        Assert.True(spread > TimeSpan.FromSeconds(1), $"All within {spread}."); // 40 times at random in two seconds
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task A_stream_of_a_certain_age_is_recycled(string wire)
    {
        var time = new ManualTime();
        await using var app = await StartBothAsync(
            wire,
            builder => builder.Services.AddSingleton<TimeProvider>(time),
            new() { MaxAge = TimeSpan.FromMinutes(10), Heartbeat = TimeSpan.FromHours(1) });
        var streams = await OpenManyAsync(app, 6);

        time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.Equal(6, app.OpenStreams);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.All(await EndsAsync(streams), end =>
        {
            Assert.Equal("recycled", end.Reason);
            Assert.NotNull(end.Retry);
        });
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task A_stream_that_sent_so_many_bytes_is_recycled_and_nothing_is_lost(string wire)
    {
        await using var app = await StartBothAsync(wire, stream: new() { MaxBytes = 10_000 });
        var next = 1;
        string? lastId = "earliest";
        var connections = 0;
        var publishing = Task.Run(async () =>
        {
            foreach (var number in Numbers(1, 100))
            {
                await app.PublishAsync(number.PadRight(1000));
            }
        });

        while (next <= 100)
        {
            connections++;
            await using var stream = await app.OpenAsync("/feed", AllFormats[connections % 3], lastId);
            Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
            while (next <= 100)
            {
                var message = await stream.NextAsync();
                if (message.Kind == CometMessageKind.End)
                {
                    Assert.Equal("recycled", message.Reason);
                    break;
                }
                Assert.Equal(next++, int.Parse(message.Value.GetString()!, CultureInfo.InvariantCulture));
                lastId = message.Id;
            }
        }

        await publishing;
        Assert.InRange(connections, 2, 15);
    }

    [Theory]
    [InlineData("/feed")]
    [InlineData("/sequence")]
    public async Task A_stream_that_sent_so_many_bytes_ends_without_waiting_for_anything_else(string path)
    {
        var source = new Source<string>();
        var options = new CometOptions { MaxBytes = 10_000, Heartbeat = TimeSpan.FromHours(1) };
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f", options));
                app.MapGet("/sequence", () => CometResults.String(source.ReadAsync(), "parent.f", options));
            },
            builder => builder.Services.AddFeed<string>("news"));
        await using var stream = await app.OpenAsync(path);
        await stream.NextAsync(CometMessageKind.Open);

        source.Give(new string('x', 10_000));
        await app.PublishAsync(new string('x', 10_000));

        await stream.NextAsync(CometMessageKind.Message);
        Assert.Equal("recycled", (await stream.NextAsync(CometMessageKind.End)).Reason);
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Portable")]
    [InlineData("Tls")]
    public async Task The_connection_serves_other_requests_after_a_stream_has_ended(string wire)
    {
        await using var app = await StartBothAsync(wire, stream: new() { MaxBytes = 1 });
        var connections = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            await using (var stream = await app.OpenAsync("/feed", AllFormats[i]))
            {
                connections.Add(stream.Response.Headers.GetValues("X-Connection").Single());
                Assert.Equal("recycled", (await stream.RestAsync())[^1].Reason);
            }
            using var answer = await app.GetAsync("/health/live");
            connections.Add(answer.Headers.GetValues("X-Connection").Single());
            Assert.Equal("Healthy", await answer.Content.ReadAsStringAsync());
        }

        Assert.Single(connections.Distinct());
    }

    /// <summary>An app with a feed and with a sequence that never has an element.</summary>
    private static Task<TestApp> StartBothAsync(string wire, Action<WebApplicationBuilder>? configure = null, CometOptions? stream = null) => TestApp.StartAsync(
        app =>
        {
            app.Use((context, next) =>
            {
                context.Response.Headers["X-Connection"] = context.Connection.Id;
                return next(context);
            });
            app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f", stream));
            app.MapGet("/sequence", (CancellationToken cancellation) => CometResults.String(Nothing(cancellation), "parent.f", stream));
            app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
            app.MapHealthChecks("/health/live", new() { Predicate = _ => false });
        },
        builder =>
        {
            builder.Services.AddFeed<string>("news");
            configure?.Invoke(builder);
        },
        Enum.Parse<Wire>(wire));

    private static async IAsyncEnumerable<string> Nothing([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        yield break;
    }

    /// <summary>Streams of both kinds and of every format, each of them open.</summary>
    private static async Task<TestStream[]> OpenManyAsync(TestApp app, int count)
    {
        var streams = await Task.WhenAll(Enumerable.Range(0, count).Select(i => app.OpenAsync(i % 2 == 0 ? "/feed" : "/sequence", AllFormats[i % 3])));
        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }
        return streams;
    }

    /// <summary>The last message of each.</summary>
    private static async Task<CometMessage[]> EndsAsync(TestStream[] streams)
    {
        var rests = await Task.WhenAll(streams.Select(stream => stream.RestAsync())).WithPatience();
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }
        return [.. rests.Select(rest => Assert.Single(rest))];
    }

    private static async Task<string> AnswerAsync(TestApp app, string path)
    {
        using var answer = await app.GetAsync(path);
        return await answer.Content.ReadAsStringAsync();
    }
}
