namespace Comet.AspNetCore.Hosting;

/// <summary>A feed or a family of feeds that the app has added.</summary>
/// <param name="Name">Its name, of which there is one.</param>
/// <param name="Service">What is injected: <see cref="Feed{T}"/> or <see cref="KeyedFeeds{T}"/>.</param>
/// <param name="IsFamily">Whether it is a family.</param>
internal sealed record FeedRegistration(string Name, Type Service, bool IsFamily);
