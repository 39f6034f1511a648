using Comet.AspNetCore;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Hosting;

/// <summary>
/// What the site has besides its news, on one stream: <c>scores</c>, the keys of <c>rooms</c>, and <c>secret</c>, for nobody.
/// </summary>
public sealed class Desk(Feed<News> news, Feed<Desk.Score> scores, KeyedFeeds<Desk.Line> rooms, Feed<Desk.Secret> secret)
{
    internal const string Stream = "/desk/stream";

    internal static void AddTo(IServiceCollection services)
    {
        services.AddAuthorization(policies => policies.AddPolicy("nobody", policy => policy.RequireAssertion(_ => false)));
        services.AddFeed<Score>("scores");
        services.AddKeyedFeeds<Line>("rooms");
        services.AddFeed<Secret>("secret", feed => feed.AuthorizationPolicy = "nobody");
        services.AddSingleton<Desk>();
    }

    internal Feed<Score> Scores => scores;

    internal Feed<Line> Room(string key) => rooms.Get(key);

    /// <summary>What the stream offers.</summary>
    internal IEnumerable<FeedChoice> Sources => [news, scores, rooms.Where(_ => true), secret];

    /// <summary>Publishes the numbers of a range to news and scores, a few milliseconds apart.</summary>
    internal async Task PublishAsync(IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
        {
            await news.PublishAsync(new News($"{number}"));
            await scores.PublishAsync(new Score($"{number}"));
            await Task.Delay(5);
        }
    }

    public sealed record Score(string Text);

    public sealed record Line(string Text);

    public sealed record Secret(string Text);
}
