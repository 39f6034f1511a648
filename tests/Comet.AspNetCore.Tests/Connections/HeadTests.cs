using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>What precedes the first message.</summary>
public class HeadTests
{
    [Theory]
    [InlineData(CometFormat.ScriptTags, "text/html; charset=utf-8")]
    [InlineData(CometFormat.ServerSentEvents, "text/event-stream")]
    [InlineData(CometFormat.Ndjson, "application/x-ndjson")]
    public async Task Headers_keep_caches_and_proxies_from_holding_messages(CometFormat format, string contentType)
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/stream", format);

        var headers = stream.Response.Headers;
        Assert.Equal(contentType, stream.Response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["identity"], stream.Response.Content.Headers.ContentEncoding);
        Assert.Equal("no-store, no-transform", string.Join(", ", headers.GetValues("Cache-Control")));
        Assert.Equal("no", headers.GetValues("X-Accel-Buffering").Single());
        Assert.Equal("nosniff", headers.GetValues("X-Content-Type-Options").Single());
        Assert.True(headers.TransferEncodingChunked);
        Assert.Null(stream.Response.Content.Headers.ContentLength);
    }

    [Theory]
    [InlineData("*/*", "text/html")]
    [InlineData("", "text/html")]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html")]
    [InlineData("text/html, text/event-stream;q=0.5", "text/html")]
    [InlineData("text/event-stream", "text/event-stream")]
    [InlineData("TEXT/EVENT-STREAM", "text/event-stream")]
    [InlineData("application/json;q=0.1, application/x-ndjson", "application/x-ndjson")]
    [InlineData("text/event-stream;q=0.5, application/x-ndjson;q=0.9", "application/x-ndjson")]
    [InlineData("text/event-stream;q=0, */*", "text/html")]
    [InlineData("nonsense;;q=x", "text/html")]
    public async Task The_request_chooses_the_format(string accept, string mediaType)
    {
        await using var app = await StartAsync();
        using var response = await app.GetAsync("/stream", ("Accept", accept));

        Assert.Equal(mediaType, response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Every_response_has_a_nonce_of_its_own_which_is_that_of_its_scripts()
    {
        await using var app = await StartAsync();
        var nonces = new HashSet<string>();
        for (var i = 0; i < 50; i++)
        {
            await using var connection = await app.ConnectAsync("/stream");
            var body = await connection.ReadBodyAsync();

            var policy = Regex.Match(connection.Head,
                "Content-Security-Policy: default-src 'none'; script-src 'nonce-([A-Za-z0-9+/=]{22,})'; connect-src 'self'; " +
                "frame-ancestors 'self'; base-uri 'none'; form-action 'none'\n");
            Assert.True(policy.Success, connection.Head);
            var scripts = Regex.Matches(body, "<script[^>]*>").Select(script => script.Value).ToList();
            Assert.Equal(6, scripts.Count); // the helper, open, three messages, end
            Assert.All(scripts, script => Assert.Equal($"<script nonce=\"{policy.Groups[1].Value}\">", script));
            Assert.True(nonces.Add(policy.Groups[1].Value), "The nonce is not fresh.");
        }
    }

    [Fact]
    public async Task Which_pages_may_have_a_stream_in_a_frame_is_an_option_of_it()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/stream", () =>
            CometResults.String(Three(), "parent.f", new() { FrameAncestors = "'self' https://portal.example" })));
        await using var stream = await app.OpenAsync("/stream");

        Assert.Contains(
            "; frame-ancestors 'self' https://portal.example; base-uri 'none'; ",
            stream.Response.Headers.GetValues("Content-Security-Policy").Single());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("*; script-src *")]
    [InlineData("*, script-src *")]
    [InlineData("*\r\nX-Other: y")]
    [InlineData("https://portal.ex\u00e4mple")]
    public void What_is_no_list_of_such_pages_is_an_error(string sources) =>
        Assert.Throws<ArgumentException>(() => new CometStreamOptions { FrameAncestors = sources });

    [Fact]
    public async Task A_real_document_head_with_padding_precedes_the_first_message()
    {
        const int Padding = 1024;
        await using var app = await StartAsync();
        await using var connection = await app.ConnectAsync("/stream");

        var body = await connection.ReadBodyAsync();

        var head = body[..body.IndexOf("comet(\"open\"", StringComparison.Ordinal)];
        Assert.StartsWith("<!DOCTYPE html><html", head);
        Assert.Contains("<meta charset=\"utf-8\">", head);
        Assert.Contains("</head><body>", head);
        Assert.InRange(head.Length, Padding, Padding + 1500);
        Assert.True(head.Count(c => c == ' ') >= Padding);
    }

    [Fact]
    public async Task The_padding_is_a_setting_of_the_server()
    {
        const int Padding = 5000;
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/stream", () => CometResults.String(Three(), "parent.f")),
            builder => builder.Configuration["Comet:Padding"] = $"{Padding}");
        await using var connection = await app.ConnectAsync("/stream");

        var body = await connection.ReadBodyAsync();

        var head = body[..body.IndexOf("comet(\"open\"", StringComparison.Ordinal)];
        Assert.InRange(head.Length, Padding, Padding + 1500);
        Assert.True(head.Count(c => c == ' ') >= Padding);
    }

    [Fact]
    public async Task Two_actions_of_one_feed_have_a_function_and_options_each()
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/one", (Feed<string> news) => CometResults.Feed(news, "parent.one"));
                app.MapGet(
                    "/two", (Feed<string> news) => CometResults.Feed(news, "parent.two", new() { Heartbeat = TimeSpan.FromSeconds(7) }));
            },
            builder => builder.Services.AddFeed<string>("news"));
        for (var i = 0; i < 2; i++)
        {
            await using var one = await app.OpenAsync("/one");
            await using var two = await app.OpenAsync("/two");
            Assert.Equal(TimeSpan.FromSeconds(15), (await one.NextAsync(CometMessageKind.Open)).HeartbeatInterval);
            Assert.Equal(TimeSpan.FromSeconds(7), (await two.NextAsync(CometMessageKind.Open)).HeartbeatInterval);

            await app.PublishAsync("message");

            Assert.Equal("parent.one", (await one.NextAsync(CometMessageKind.Message)).Callback);
            Assert.Equal("parent.two", (await two.NextAsync(CometMessageKind.Message)).Callback);
        }
    }

    [Fact]
    public async Task An_initial_chunk_replaces_the_head()
    {
        await using var app = await StartAsync();
        await using var connection = await app.ConnectAsync("/own");

        var body = await connection.ReadBodyAsync();

        Assert.StartsWith("<!DOCTYPE html><title>mine</title><body><p>Hello<script nonce=", body);
        Assert.Contains(">parent.f(\"one\");</script>", body);
    }

    [Theory]
    [InlineData("/stream")]
    public async Task Head_answers_the_headers_and_ends_without_a_source(string path)
    {
        var enumerated = false;
        await using var app = await StartAsync(() => enumerated = true);
        await using var connection = await RawConnection.OpenAsync(app.Url, path, ["Connection: close"], method: "HEAD");

        Assert.StartsWith("HTTP/1.1 200 OK\n", connection.Head);
        Assert.Contains("Content-Type: text/html; charset=utf-8\n", connection.Head);
        Assert.Contains("X-Accel-Buffering: no\n", connection.Head);
        Assert.Equal(0, await connection.ReadToEndAsync());
        Assert.False(enumerated);
    }

    private static Task<TestApp> StartAsync(Action? enumerated = null) => TestApp.StartAsync(app =>
    {
        app.MapMethods("/stream", ["GET", "HEAD"], () => CometResults.String(Three(enumerated), "parent.f"));
        app.MapGet("/own", () => CometResults.String(
            Three(), "parent.f", new() { InitialChunk = "<!DOCTYPE html><title>mine</title><body><p>Hello"u8.ToArray() }));
    });

    private static async IAsyncEnumerable<string> Three(Action? enumerated = null)
    {
        enumerated?.Invoke();
        foreach (var word in (string[])["one", "two", "three"])
        {
            await Task.Yield();
            yield return word;
        }
    }
}
