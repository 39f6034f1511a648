using System.Globalization;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>Streams that the server ends, and what it says then.</summary>
public class EndTests
{
    private static readonly CometFormat[] AllFormats = Enum.GetValues<CometFormat>();

    private readonly ManualTime _time = new();

    public static TheoryData<string> Wires => [.. Enum.GetNames<Wire>()];

    [Theory, MemberData(nameof(Wires))]
    public async Task Stopping_ends_every_stream_at_once_and_tells_each_when_to_come_back(string wire)
    {
        await using var app =
            await StartBothAsync(wire, builder => builder.Services.AddSingleton<TimeProvider>(_time)); // "at once": no time passes
        var streams = await OpenManyAsync(app, 100);

        var stopping = app.StopAsync();

        var ends = await EndsAsync(streams);
        await stopping.WithPatience();
        Assert.All(ends, end => Assert.Equal("shutting-down", end.Reason));
        var retries = ends.Select(end => end.Retry!.Value.TotalMilliseconds).ToList();
        Assert.All(retries, retry => Assert.InRange(retry, 250, 5000));
        Assert.InRange(retries.Count(retry => retry < 2500), 20, 80);
        Assert.Empty(app.Log.Errors);
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    [InlineData("Http2")]
    public async Task Draining_ends_streams_one_by_one_while_the_server_goes_on_answering(string wire)
    {
        await using var app = await StartBothAsync(wire, builder =>
        {
            builder.Configuration["Comet:Drain"] = "00:00:02";
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Services.AddHealthChecks();
        });
        Assert.Equal("Healthy", await AnswerAsync(app, "/health/ready"));
        using var meter = new RecordedMeter(app);
        var ending = EndsAsync(await OpenManyAsync(app, 40));

        var stopping = app.StopAsync();

        _time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.HoldsAsync(() => Ages().Any(), "some streams end in the first half of the time");
        Assert.Equal("Unhealthy", await AnswerAsync(app, "/health/ready"));
        Assert.Equal("Healthy", await AnswerAsync(app, "/health/live"));
        using (var rejected = await app.GetAsync("/feed"))
        {
            Assert.Equal(503, (int)rejected.StatusCode);
            Assert.InRange(rejected.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 5);
            Assert.Equal("The server is shutting down. Try again.", await rejected.Content.ReadAsStringAsync());
        }
        Assert.False(stopping.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.All(await ending, end => Assert.Equal("draining", end.Reason));
        await stopping.WithPatience();
        Assert.Equal(40, Ages().Count());
        Assert.Contains(Ages(), age => age > 1); // and others in the second

        IEnumerable<double> Ages() => meter.Of("comet.stream.duration").Select(ended => ended.Value);
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task A_stream_of_a_certain_age_is_recycled(string wire)
    {
        await using var app = await StartBothAsync(
            wire,
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(_time);
                builder.Configuration["Comet:MaxAge"] = "00:10:00";
                builder.Configuration["Comet:Heartbeat"] = "01:00:00";
            });
        var streams = await OpenManyAsync(app, 6);

        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        await ReceiveAsync(app, streams, "still");
        await ReceiveAsync(app, streams, "here"); // an end that came too soon would be before this at the latest
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.All(await EndsAsync(streams), end =>
        {
            Assert.Equal("recycled", end.Reason);
            Assert.NotNull(end.Retry);
        });
    }

    [Theory, MemberData(nameof(Wires))]
    public async Task A_stream_that_sent_so_many_bytes_is_recycled_and_nothing_is_lost(string wire)
    {
        await using var app = await StartBothAsync(wire, builder => builder.Configuration["Comet:MaxBytes"] = "10000");
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
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet("/sequence", () => CometResults.String(source.ReadAsync(), "parent.f"));
            },
            builder =>
            {
                builder.Services.AddFeed<string>("news");
                builder.Configuration["Comet:MaxBytes"] = "10000";
                builder.Configuration["Comet:Heartbeat"] = "01:00:00";
            });
        await using var stream = await app.OpenAsync(path);
        await stream.NextAsync(CometMessageKind.Open);

        source.Give(new string('x', 10_000));
        await app.PublishAsync(new string('x', 10_000));

        await stream.NextAsync(CometMessageKind.Message);
        Assert.Equal("recycled", (await stream.NextAsync(CometMessageKind.End)).Reason);
    }

    [Theory]
    [InlineData("Attached")]
    [InlineData("Portable")]
    [InlineData("Tls")]
    public async Task The_connection_serves_other_requests_after_a_stream_has_ended(string wire)
    {
        await using var app = await StartBothAsync(wire, builder => builder.Configuration["Comet:MaxBytes"] = "1");
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

    /// <summary>An app with a feed, and with a sequence of the same messages.</summary>
    private static Task<TestApp> StartBothAsync(string wire, Action<WebApplicationBuilder> configure) => TestApp.StartAsync(
        app =>
        {
            app.Use((context, next) =>
            {
                context.Response.Headers["X-Connection"] = context.Connection.Id;
                return next(context);
            });
            app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet(
                "/sequence", (Feed<string> news) => CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
            app.MapHealthChecks("/health/ready", new() { Predicate = check => check.Tags.Contains("ready") });
            app.MapHealthChecks("/health/live", new() { Predicate = _ => false });
        },
        builder =>
        {
            builder.Services.AddFeed<string>("news");
            configure(builder);
        },
        Enum.Parse<Wire>(wire));

    /// <summary>Streams of both kinds and of every format, each of them under way.</summary>
    private static async Task<TestStream[]> OpenManyAsync(TestApp app, int count)
    {
        var streams = await Task.WhenAll(
            Enumerable.Range(0, count).Select(i => app.OpenAsync(i % 2 == 0 ? "/feed" : "/sequence", AllFormats[i % 3])));
        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }
        await ReceiveAsync(app, streams, "first");
        return streams;
    }

    /// <summary>Publishes a message, which each of them gets next.</summary>
    private static async Task ReceiveAsync(TestApp app, TestStream[] streams, string message)
    {
        await app.PublishAsync(message);
        foreach (var stream in streams)
        {
            Assert.Equal(message, await stream.NextStringAsync());
        }
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
