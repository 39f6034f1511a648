using System.Globalization;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>Clients that take their bytes slowly: they end as soon as others, told or cut, whatever is on its way to them.</summary>
public class OverdueTests
{
    private const int Large = 8_000_000; // more than the system keeps for a connection

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();

    public static MatrixTheoryData<string, string> Streams =>
        new(["Direct", "Attached", "Portable", "Tls", "Http2"], ["/live", "/history", "/sequence"]);

    [Theory, MemberData(nameof(Streams))]
    public async Task A_client_that_does_not_take_what_is_written_is_cut(string wire, string path)
    {
        await using var app = await StartAsync(wire, path == "/history" ? store => store.With([new string('x', Large)]) : null);
        using var meter = new RecordedMeter(app);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await TestStream.OpenAsync(client, path, CometFormat.Ndjson, path == "/history" ? "earliest" : null);
        await stream.NextAsync(CometMessageKind.Open);
        var began = _time.GetUtcNow();
        if (path != "/history")
        {
            await app.PublishAsync(new string('x', Large));
        }

        _time.Advance(MaxAge - TimeSpan.FromSeconds(1));
        Assert.Equal(1, app.OpenStreams);
        await Eventually.HoldsAsync(
            () =>
            {
                // A few, as none of them may pass before the write waits; a write timeout is an hour.
                _time.Advance(TimeSpan.FromSeconds(1));
                return app.OpenStreams == 0;
            },
            "the stream is cut");

        Assert.InRange(_time.GetUtcNow() - began, MaxAge, MaxAge + TimeSpan.FromMinutes(5));
        await app.StopWithoutErrorAsync();
        Assert.Contains("comet.end.reason=recycled", Assert.Single(meter.Of("comet.stream.duration")).Tags);
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Http2")]
    public async Task A_client_that_always_has_a_backlog_is_told_in_its_midst(string wire)
    {
        const int Messages = 6;
        await using var app = await StartAsync(wire);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await TestStream.OpenAsync(client, "/live", CometFormat.Ndjson, null);
        await stream.NextAsync(CometMessageKind.Open);
        foreach (var number in Numbers(1, Messages))
        {
            await app.PublishAsync(number.PadRight(Large)); // each of which waits for the client
        }

        _time.Advance(MaxAge + TimeSpan.FromMilliseconds(500));
        var received = await stream.RestAsync();

        Assert.Equal("recycled", received[^1].Reason);
        Assert.InRange(received.Count - 1, 1, 3);
        Assert.Equal("1", received[0].Value.GetString()!.TrimEnd());
    }

    [Fact]
    public async Task The_time_that_the_store_takes_to_begin_counts()
    {
        await using var app = await StartAsync("Direct", store =>
        {
            store.With(1000);
            store.BeforeRead = () =>
            {
                _time.Advance(MaxAge);
                return Task.CompletedTask;
            };
        });
        await using var stream = await app.OpenAsync("/history", lastEventId: "earliest");

        Assert.Equal(CometMessageKind.Open, (await stream.NextAsync()).Kind);
        Assert.Equal("recycled", Assert.Single(await stream.RestAsync()).Reason);
    }

    [Fact]
    public async Task A_client_is_told_though_the_store_does_not_answer()
    {
        ScriptedStore? scripted = null;
        await using var app = await StartAsync("Direct", store =>
        {
            scripted = store.With(1000);
            store.BeforeRead = () => store.Reads < 2 ? Task.CompletedTask : new TaskCompletionSource().Task;
        });
        await using var stream = await app.OpenAsync("/history", lastEventId: "earliest");
        await stream.NextAsync(CometMessageKind.Open);
        await Eventually.HoldsAsync(() => scripted!.Reads == 2, "two pages are read");
        Assert.Equal(512, (await stream.TakeAsync(512)).Count);

        var rest = stream.RestAsync();
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1)); // a few after MaxAge, as none of them may pass before the store is asked
                return rest.IsCompleted;
            },
            "the client is told");
        Assert.Equal("recycled", Assert.Single(await rest).Reason);
    }

    private Task<TestApp> StartAsync(string wire, Action<ScriptedStore>? script = null)
    {
        var store = new ScriptedStore { Time = _time };
        script?.Invoke(store);
        return TestApp.StartAsync(
            app =>
            {
                app.MapGet("/live", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet("/history", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet(
                    "/sequence", (Feed<string> news) => CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
            },
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(_time).AddSingleton<IFeedStore>(store);
                builder.Services.AddFeed<string>("news", feed => (feed.RetainBytes, feed.InMemory) = (100 * Large, script is null));
                builder.Configuration["Comet:MaxAge"] = MaxAge.ToString("c", CultureInfo.InvariantCulture);
                builder.Configuration["Comet:WriteTimeout"] = "01:00:00";
                builder.Configuration["Comet:Heartbeat"] = "01:00:00";
            },
            Enum.Parse<Wire>(wire));
    }
}
