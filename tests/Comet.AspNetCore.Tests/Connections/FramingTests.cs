using System.Text;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>The bytes of messages, and when they leave.</summary>
public class FramingTests
{
    public static TheoryData<string, string> Formats => new()
    {
        { "text/html", """<script nonce="N">parent.f("a\u003Cb");</script><script nonce="N">parent.f("2");</script><script nonce="N">comet("end",{"reason":"completed"});</script>""" },
        {
            "text/event-stream",
            "data: \"a\\u003Cb\"\n\ndata: \"2\"\n\nid: ended-0\nevent: comet\ndata: {\"type\":\"end\",\"reason\":\"completed\"}\n\n"
        },
        {
            "application/x-ndjson",
            "{\"type\":\"message\",\"data\":\"a\\u003Cb\"}\n{\"type\":\"message\",\"data\":\"2\"}\n" +
            "{\"type\":\"end\",\"reason\":\"completed\"}\n"
        },
    };

    [Theory, MemberData(nameof(Formats))]
    public async Task Messages_are_these_bytes(string accept, string expected)
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Ready("a<b", "2"), "parent.f")));
        await using var connection = await app.ConnectAsync("/", "Accept: " + accept);

        var body = Regex.Replace(await connection.ReadBodyAsync(), "nonce=\"[^\"]+\"", "nonce=\"N\"");

        Assert.EndsWith(expected, body);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("text/event-stream")]
    [InlineData("application/x-ndjson")]
    public async Task A_stream_says_first_how_often_it_sends_heartbeats(string accept)
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () =>
            CometResults.String(Ready("1"), "parent.f", new() { Heartbeat = TimeSpan.FromSeconds(7) })));
        using var response = await app.GetAsync("/", ("Accept", accept));

        var messages = await CometReader.ReadAsync(response, TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal([CometMessageKind.Open, CometMessageKind.Message, CometMessageKind.End], messages.Select(message => message.Kind));
        Assert.Equal(TimeSpan.FromSeconds(7), messages[0].HeartbeatInterval);
        Assert.Null(messages[0].Id);
        Assert.Null(messages[0].Recovered);
    }

    [Theory]
    [InlineData("text/html", ");</script>")]
    [InlineData("text/event-stream", "\n\n")]
    [InlineData("application/x-ndjson", "}\n")]
    public async Task A_message_leaves_in_a_chunk_of_its_own_as_soon_as_it_is_there(string accept, string end)
    {
        var source = new Source<string>();
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(source.ReadAsync(), "parent.f")));
        await using var connection = await app.ConnectAsync("/", "Accept: " + accept);
        Assert.Contains("heartbeat", string.Concat(await connection.ReadChunksAsync(end)));

        for (var i = 0; i < 20; i++)
        {
            source.Give($"message {i}"); // and no other before this one was read

            var chunk = await connection.ReadChunkAsync();
            Assert.Contains($"\"message {i}\"", chunk);
            Assert.EndsWith(end, chunk);
        }
    }

    [Fact]
    public async Task Messages_that_are_ready_together_leave_together()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () =>
            CometResults.String(Ready([.. Enumerable.Range(0, 10_000).Select(i => $"message {i}")]), "parent.f")));
        await using var connection = await app.ConnectAsync("/");

        var chunks = await connection.ReadChunksAsync("comet(\"end\",{\"reason\":\"completed\"});</script>");

        var body = string.Concat(chunks);
        Assert.Equal(10_000, Regex.Count(body, "parent\\.f"));
        // In blocks of about 16 KB, which Kestrel frames in pieces of at most 4 KB.
        Assert.InRange(chunks.Count, body.Length / 65_536, body.Length / 2_048);
    }

    [Fact]
    public async Task A_large_message_arrives_whole()
    {
        var large = new string('x', 1_000_000) + "<";
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Ready(large, "next"), "parent.f")));
        await using var stream = await app.OpenAsync("/");

        await stream.NextAsync(CometMessageKind.Open);
        Assert.Equal(large, await stream.NextStringAsync());
        Assert.Equal("next", await stream.NextStringAsync());
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("text/event-stream")]
    [InlineData("application/x-ndjson")]
    public async Task Response_compression_holds_nothing_back(string accept)
    {
        var source = new Source<string>();
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.UseResponseCompression();
                app.MapGet("/page", () => TypedResults.Text(new string('x', 10_000), "text/html"));
                app.MapGet("/", () => CometResults.String(source.ReadAsync(), "parent.f"));
            },
            builder => builder.Services.AddResponseCompression(
                options => options.MimeTypes = ["text/html", "text/event-stream", "application/x-ndjson"]));
        using var page = await app.GetAsync("/page", ("Accept-Encoding", "gzip, br"));
        Assert.NotEmpty(page.Content.Headers.ContentEncoding); // compression is on
        using var response = await app.GetAsync("/", ("Accept-Encoding", "gzip, br"), ("Accept", accept));
        Assert.Equal(["identity"], response.Content.Headers.ContentEncoding);

        await ReceiveEachAsync(source, response);
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    [InlineData("Portable")]
    public async Task A_timeout_for_requests_is_not_for_streams(string wire)
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.UseRouting();
                app.UseRequestTimeouts();
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet(
                    "/sequence", (Feed<string> news) => CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
                app.MapGet("/slow", (CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation));
            },
            builder =>
            {
                builder.Services.AddFeed<string>("news");
                builder.Services.AddRequestTimeouts(timeouts => timeouts.DefaultPolicy = new() { Timeout = TimeSpan.FromSeconds(2) });
            },
            Enum.Parse<Wire>(wire));
        await using var feed = await app.OpenAsync("/feed");
        await using var sequence = await app.OpenAsync("/sequence");
        await feed.NextAsync(CometMessageKind.Open);
        await sequence.NextAsync(CometMessageKind.Open);

        using var timedOut = await app.GetAsync("/slow"); // began later than the streams
        Assert.Equal(504, (int)timedOut.StatusCode);
        await app.PublishAsync("still here");

        Assert.Equal("still here", await feed.NextStringAsync());
        Assert.Equal("still here", await sequence.NextStringAsync());
    }

    [Fact]
    public async Task A_middleware_that_wraps_the_body_sees_every_message_at_once()
    {
        var source = new Source<string>();
        await using var app = await TestApp.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                context.Response.Body = new PassingOn(context.Response.Body);
                await next(context);
            });
            app.MapGet("/", () => CometResults.String(source.ReadAsync(), "parent.f"));
        });
        using var response = await app.GetAsync("/");
        Assert.True(response.Headers.Contains("X-Accel-Buffering"));

        await ReceiveEachAsync(source, response);
    }

    private static async Task ReceiveEachAsync(Source<string> source, HttpResponseMessage response)
    {
        await using var messages = CometReader.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator();
        Assert.True(await messages.MoveNextAsync());
        for (var i = 0; i < 5; i++)
        {
            source.Give($"message {i}");
            Assert.True(await messages.MoveNextAsync().AsTask().WithPatience());
            Assert.Equal($"message {i}", messages.Current.Value.GetString());
        }
    }

    private static async IAsyncEnumerable<string> Ready(params string[] values)
    {
        await Task.CompletedTask;
        foreach (var value in values)
        {
            yield return value;
        }
    }

    private sealed class PassingOn(Stream inner) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => inner.Flush();
        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Synchronous");
        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            inner.WriteAsync(buffer, offset, count, cancellationToken);
    }
}
