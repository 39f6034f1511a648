using System.Text.Json;
using System.Text.Json.Serialization;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Results;

/// <summary>By which options values become JSON, and as which type.</summary>
public class JsonOptionsTests
{
    private static readonly JsonSerializerOptions Own = new() { PropertyNamingPolicy = JsonNamingPolicy.KebabCaseUpper };

    [Theory]
    [InlineData(false, "/sequence", """{"in_all":1}""")]
    [InlineData(false, "/feed", """{"in_all":1}""")]
    [InlineData(true, "/sequence", """{"in_all":1}""")]
    [InlineData(true, "/feed", """{"IN_ALL":1}""")] // written once for whatever serves it
    [InlineData(true, "/own-sequence", """{"IN-ALL":1}""")]
    [InlineData(false, "/own-sequence", """{"IN-ALL":1}""")]
    [InlineData(true, "/own-feed", """{"IN-ALL":1}""")]
    [InlineData(false, "/own-feed", """{"IN-ALL":1}""")]
    public async Task A_value_is_written_as_the_app_writes_others_or_as_the_call_says(bool hasControllers, string path, string json)
    {
        await using var app = await StartAsync(builder =>
        {
            builder.Services.ConfigureHttpJsonOptions(
                options => options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
            if (hasControllers)
            {
                builder.Services.AddControllers()
                    .AddJsonOptions(options => options.JsonSerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseUpper);
            }
        });
        await app.Services.GetRequiredKeyedService<Feed<Count>>("usual").PublishAsync(new Count(1));
        await app.Services.GetRequiredKeyedService<Feed<Count>>("own").PublishAsync(new Count(1));

        await using var stream = await app.OpenAsync(path, CometFormat.Ndjson, "earliest");
        await stream.NextAsync(CometMessageKind.Open);

        Assert.Equal(json, (await stream.NextAsync(CometMessageKind.Message)).Value.GetRawText());
    }

    [Theory]
    [InlineData("/shapes")]
    [InlineData("/shape-feed")]
    public async Task A_value_of_a_derived_type_is_written_with_all_that_it_has(string path)
    {
        await using var app = await StartAsync();
        foreach (var shape in Shapes)
        {
            await app.Services.GetRequiredService<Feed<Shape>>().PublishAsync(shape);
        }

        await using var stream = await app.OpenAsync(path, CometFormat.Ndjson, "earliest");
        await stream.NextAsync(CometMessageKind.Open);

        Assert.Equal(
            ["""{"name":"none"}""", """{"radius":2,"name":"circle"}""", "null"],
            (await stream.TakeAsync(3)).Select(message => message.Value.GetRawText()));
    }

    [Fact]
    public async Task A_type_that_names_its_derived_types_or_has_a_converter_is_written_as_declared()
    {
        await using var app = await StartAsync();

        await using var named = await app.OpenAsync("/named", CometFormat.Ndjson);
        await using var converted = await app.OpenAsync("/converted", CometFormat.Ndjson);
        await named.NextAsync(CometMessageKind.Open);
        await converted.NextAsync(CometMessageKind.Open);

        Assert.Equal("""{"kind":"cat","lives":9}""", (await named.NextAsync(CometMessageKind.Message)).Value.GetRawText());
        Assert.Equal("\"converted\"", (await converted.NextAsync(CometMessageKind.Message)).Value.GetRawText());
    }

    private static Shape[] Shapes => [new("none"), new Circle("circle", 2), null!];

    private static Task<TestApp> StartAsync(Action<WebApplicationBuilder>? configure = null) => TestApp.StartAsync(
        app =>
        {
            app.MapGet("/sequence", () => CometResults.Json(Of(new Count(1)), "parent.f"));
            app.MapGet("/own-sequence", () => CometResults.Json(Of(new Count(1)), "parent.f", new() { SerializerOptions = Own }));
            app.MapGet("/feed", ([FromKeyedServices("usual")] Feed<Count> feed) => CometResults.Feed(feed, "parent.f"));
            app.MapGet("/own-feed", ([FromKeyedServices("own")] Feed<Count> feed) => CometResults.Feed(feed, "parent.f"));
            app.MapGet("/shapes", () => CometResults.Json(Of(Shapes), "parent.f"));
            app.MapGet("/shape-feed", (Feed<Shape> feed) => CometResults.Feed(feed, "parent.f"));
            app.MapGet("/named", () => CometResults.Json(Of<Animal>(new Cat(9)), "parent.f"));
            app.MapGet("/converted", () => CometResults.Json(Of<Converted>(new MoreConverted()), "parent.f"));
        },
        builder =>
        {
            configure?.Invoke(builder);
            builder.Services.AddFeed<Shape>("shapes");
            builder.Services.AddFeed<Count>("usual").AddFeed<Count>("own", feed => feed.SerializerOptions = Own);
        });

    private static async IAsyncEnumerable<T> Of<T>(params T[] values)
    {
        await Task.Yield();
        foreach (var value in values)
        {
            yield return value;
        }
    }

    internal sealed record Count(int InAll);

    internal record Shape(string Name);

    internal sealed record Circle(string Name, int Radius) : Shape(Name);

    [JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
    [JsonDerivedType(typeof(Cat), "cat")]
    internal record Animal;

    internal sealed record Cat(int Lives) : Animal;

    [JsonConverter(typeof(Converter))]
    internal record Converted;

    internal sealed record MoreConverted : Converted;

    internal sealed class Converter : JsonConverter<Converted>
    {
        public override Converted Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Converted value, JsonSerializerOptions options) =>
            writer.WriteStringValue("converted");
    }
}
