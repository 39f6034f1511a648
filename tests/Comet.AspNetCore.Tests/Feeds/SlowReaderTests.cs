using System.Text;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A client that reads slowly, but does.</summary>
public class SlowReaderTests
{
    private const int Step = 8_000_000; // more than the system keeps for a connection, so that reading it takes something from the server
    private const int Steps = 4;

    private readonly ManualTime _time = new();

    public static MatrixTheoryData<string, string> Streams =>
        new(["Direct", "Attached", "Portable", "Tls", "Http2"], ["/feed", "/sequence"]);

    [Theory, MemberData(nameof(Streams))]
    public async Task The_write_deadline_is_for_clients_that_take_nothing(string wire, string path)
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet(
                    "/sequence", (Feed<string> news) => CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
            },
            builder =>
            {
                builder.AllowStalling();
                builder.Configuration["Comet:WriteTimeout"] = "00:00:10";
                builder.Services.AddSingleton<TimeProvider>(_time);
                builder.Services.AddFeed<string>("news", feed => feed.RetainBytes = 2 * Steps * Step);
            },
            Enum.Parse<Wire>(wire));
        using var client = app.CreateClient(receiveBuffer: 4096);
        using var request = client.NewRequest(path);
        request.Headers.Add("Accept", "application/x-ndjson");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WithPatience();
        using var body = await response.Content.ReadAsStreamAsync();
        using var lines = new StreamReader(body, Encoding.ASCII, bufferSize: 128);
        Assert.Contains("\"open\"", await lines.ReadLineAsync().WithPatience());

        await app.PublishAsync(new string('x', Steps * Step), "next");

        var step = new byte[Step];
        for (var i = 0; i < Steps; i++)
        {
            await body.ReadExactlyAsync(step).AsTask().WithPatience();
            _time.Advance(TimeSpan.FromSeconds(6)); // of ten
        }
        Assert.EndsWith("x\"}", await lines.ReadLineAsync().WithPatience());
        Assert.Contains("\"next\"", await lines.ReadLineAsync().WithPatience());
    }
}
