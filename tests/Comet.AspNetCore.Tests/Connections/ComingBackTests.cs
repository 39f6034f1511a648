using System.Net;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>
/// What a client that comes back is answered: also native EventSource, which comes back after every end, and never after a status.
/// </summary>
public class ComingBackTests
{
    public static TheoryData<CometFormat> Formats => [.. Enum.GetValues<CometFormat>()];

    [Theory, MemberData(nameof(Formats))]
    public async Task A_value_that_cannot_be_written_ends_its_stream_for_good_the_second_time(CometFormat format)
    {
        await using var app = await StartAsync();

        var first = await ReadAsync(app, "/unwritable/2", format, id: null);
        var second = await ReadAsync(app, "/unwritable/2", format, first[^2].Id);

        Assert.Equal(
            [CometMessageKind.Open, CometMessageKind.Message, CometMessageKind.Message, CometMessageKind.Heartbeat, CometMessageKind.End],
            first.Select(message => message.Kind)); // no second open, which would say that something is missing
        Assert.Equal("failed-2", first[^2].Id);
        Assert.Equal("error", first[^1].Reason);
        Assert.NotNull(first[^1].Retry);
        Assert.Equal(("error", null), (second[^1].Reason, second[^1].Retry));
        Assert.Equal(2, app.Log.Errors.Count());
    }

    // 2 again and 3 at once: for good. 3 after a minute: the sequence is of use, and goes on.
    [Theory]
    [InlineData(2, 60, false)]
    [InlineData(3, 59, false)]
    [InlineData(0, 59, false)]
    [InlineData(3, 60, true)]
    public async Task A_value_that_cannot_be_written_at_another_place_ends_for_good_unless_the_stream_has_lasted_a_minute(
        int at, int seconds, bool comesBack)
    {
        var time = new ManualTime();
        await using var app = await StartAsync(builder => builder.Services.AddSingleton<TimeProvider>(time));

        var first = await ReadAsync(app, "/unwritable/2", CometFormat.Ndjson, id: null);
        var second = await ReadAsync(app, $"/unwritable/{at}?after={seconds}", CometFormat.Ndjson, first[^2].Id);

        Assert.Equal(("error", comesBack), (second[^1].Reason, second[^1].Retry is not null));
    }

    [Fact]
    public async Task A_source_that_throws_may_do_better_the_next_time_and_the_one_after()
    {
        await using var app = await StartAsync();
        string? id = null;
        for (var i = 0; i < 3; i++)
        {
            var messages = await ReadAsync(app, "/throwing", CometFormat.ServerSentEvents, id);
            id = messages.LastOrDefault(message => message.Id is not null)?.Id;

            Assert.Equal("error", messages[^1].Reason);
            Assert.NotNull(messages[^1].Retry);
        }
    }

    [Theory]
    [InlineData("/finite", "")]
    [InlineData("/unwritable/0", "failed-0")]
    public async Task An_end_for_good_has_an_id_and_whoever_comes_back_with_it_gets_204(string path, string id)
    {
        await using var app = await StartAsync();
        using var ended = await app.GetAsync(path, ("Accept", "text/event-stream"), ("Last-Event-ID", id));
        var lines = (await ended.Content.ReadAsStringAsync()).Split('\n');
        var last = lines.Last(line => line.StartsWith("id: ", StringComparison.Ordinal))["id: ".Length..];

        using var back = await app.GetAsync(path, ("Accept", "text/event-stream"), ("Last-Event-ID", last));

        Assert.Equal(HttpStatusCode.NoContent, back.StatusCode);
        Assert.Empty(await back.Content.ReadAsStringAsync());
        await app.NoStreamIsOpenAsync();
    }

    [Theory]
    [InlineData("/feed")]
    [InlineData("/feed?lastEventId=")]
    [InlineData("/finite?lastEventId=")]
    public async Task An_empty_id_is_none(string path)
    {
        await using var app = await StartAsync();
        using var answer = await app.GetAsync(path, ("Last-Event-ID", ""), ("Accept", "application/x-ndjson"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.DoesNotContain("recovered", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_header_leaves_the_id_to_the_query()
    {
        await using var app = await StartAsync();
        using var answer = await app.GetAsync("/feed?lastEventId=earliest", ("Last-Event-ID", ""), ("Accept", "application/x-ndjson"));

        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.Contains("\"recovered\":true", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MaxStreams")]
    [InlineData("MaxStreamsPerAddress")]
    [InlineData("Drain")]
    [InlineData("store")]
    public async Task A_refusal_that_may_pass_is_a_stream_that_ends_at_once_to_server_sent_events_only(string why)
    {
        var store = new ScriptedStore { IsUnavailable = why == "store" };
        await using var app = await StartAsync(builder =>
        {
            builder.Services.AddSingleton<IFeedStore>(store);
            builder.Configuration["Comet:" + (why == "store" ? "MaxStreams" : why)] = why == "Drain" ? "00:00:30" : "1";
        });
        await using var open = why == "store" ? null : await app.OpenAsync("/feed");
        var stopping = why == "Drain" ? app.StopAsync() : Task.CompletedTask;

        using var toEvents = await app.GetAsync("/feed", ("Accept", "text/event-stream"));
        using var toFrames = await app.GetAsync("/feed");
        using var toPrograms = await app.GetAsync("/feed", ("Accept", "application/x-ndjson"));

        Assert.Equal(HttpStatusCode.OK, toEvents.StatusCode);
        Assert.Equal("text/event-stream", toEvents.Content.Headers.ContentType?.MediaType);
        Assert.True(toEvents.Headers.CacheControl?.NoStore);
        Assert.Equal(["nosniff"], toEvents.Headers.GetValues("X-Content-Type-Options"));
        var end = Assert.Single(await CometReader.ReadAsync(toEvents).ToListAsync());
        Assert.Equal((CometMessageKind.End, "rejected"), (end.Kind, end.Reason));
        Assert.InRange(end.Retry!.Value.TotalSeconds, 1, 5);
        Assert.All([toFrames, toPrograms], answer => Assert.InRange((int)answer.StatusCode, 429, 503));
        Assert.All([toFrames, toPrograms], answer => Assert.NotNull(answer.Headers.RetryAfter));
        if (open is not null)
        {
            await open.DisposeAsync();
        }
        await stopping.WithPatience();
    }

    private static async Task<List<CometMessage>> ReadAsync(TestApp app, string path, CometFormat format, string? id)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Eventually.Patience);
        return await CometReader.ReadAsync(app.Client, path, format, id, deadline.Token).ToListAsync(deadline.Token);
    }

    private static Task<TestApp> StartAsync(Action<WebApplicationBuilder>? configure = null) => TestApp.StartAsync(
        app =>
        {
            app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/finite", () => CometResults.String(Strings(), "parent.f"));
            app.MapGet("/throwing", () => CometResults.String(Throwing(), "parent.f"));
            app.MapGet("/unwritable/{at:int}", (int at, int? after, TimeProvider time) =>
                CometResults.Json(Numbers(at, () => (time as ManualTime)?.Advance(TimeSpan.FromSeconds(after ?? 0))), "parent.f"));
        },
        builder =>
        {
            configure?.Invoke(builder);
            builder.Services.AddFeed<string>("news");
        });

    private static async IAsyncEnumerable<string> Strings()
    {
        await Task.Yield();
        yield return "1";
    }

    private static async IAsyncEnumerable<string> Throwing()
    {
        yield return "1";
        await Task.Yield();
        throw new InvalidTimeZoneException("The source fails.");
    }

    private static async IAsyncEnumerable<double> Numbers(int unwritableAt, Action beforeIt)
    {
        await Task.Yield();
        for (var i = 0; i < unwritableAt; i++)
        {
            yield return i;
        }
        beforeIt();
        yield return double.NaN;
    }
}
