using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests;

/// <summary>Names under which no feed can be registered: clients have events of these names themselves.</summary>
public partial class FeedNamesTests
{
    [Theory]
    [InlineData("open")]
    [InlineData("error")]
    [InlineData("message")]
    [InlineData("close")]
    [InlineData("closed")]
    [InlineData("comet")]
    [InlineData("end")]
    [InlineData("gap")]
    [InlineData("heartbeat")]
    [InlineData("reconnecting")]
    [InlineData("skipped")]
    [InlineData("statechange")]
    [InlineData("status")]
    [InlineData("Message")]
    [InlineData("STATECHANGE")]
    public void Names_of_events_are_refused_with_the_reason(string name)
    {
        var services = new ServiceCollection();

        foreach (var add in (Action[])[() => services.AddFeed<int>(name), () => services.AddKeyedFeeds<int>(name)])
        {
            var exception = Assert.Throws<ArgumentException>("name", add);
            Assert.Contains($"A feed cannot be named {name}: the events of a client have the names of the feeds", exception.Message);
        }
        Assert.Empty(services);
    }

    [Theory]
    [InlineData("messages")]
    [InlineData("open.orders")]
    [InlineData("the-end")]
    public void Others_are_not(string name) => Assert.NotEmpty(new ServiceCollection().AddFeed<int>(name));

    [Fact]
    public void Every_event_that_the_client_dispatches_is_refused()
    {
        var script = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "comet.js"));
        var events = EventName().Matches(script).Select(match => match.Groups[1].Value).Distinct().ToList();

        Assert.Contains("open", events);
        Assert.All(events, name => Assert.Throws<ArgumentException>(() => new ServiceCollection().AddFeed<int>(name)));
    }

    [GeneratedRegex(@"(?:#tell\(|new (?:Message|Custom)?Event\()'(\w+)'")]
    private static partial Regex EventName();
}
