using System.ComponentModel;
using System.Text;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Tests;

/// <summary>Each kind of setting, as a file of JSON gives it.</summary>
public class SettingKindTests
{
    private const string Empty = "is empty; give a value, or leave the key out for the app's own.";

    [Theory]
    [InlineData("Text", "null", Empty)]
    [InlineData("Text", "\"\"", Empty)]
    [InlineData("Flag", "null", Empty)]
    [InlineData("Flag", "\"\"", Empty)]
    [InlineData("Flag", "1", "is \"1\"; it must be true or false.")]
    [InlineData("MaybeFlag", "\"no\"", "is \"no\"; it must be true or false.")]
    [InlineData("Number", "null", Empty)]
    [InlineData("Number", "1.5", "is \"1.5\"; it must be a whole number, at most 2147483647.")]
    [InlineData("MaybeNumber", "true", "is \"True\"; it must be a whole number, at most 2147483647.")]
    [InlineData("Large", "\"\"", Empty)]
    [InlineData("Large", "1e99", "is \"1e99\"; it must be a whole number, at most 9223372036854775807.")]
    [InlineData("MaybeLarge", "\" \"", "is \" \"; it must be a whole number, at most 9223372036854775807.")]
    [InlineData("Time", "null", Empty)]
    [InlineData("MaybeTime", "\"soon\"", "is \"soon\"; it must be a time such as \"00:00:15\", or \"7.00:00:00\" for seven days.")]
    [InlineData("Choice", "null", "is empty; give End, Latest or Skip, or leave the key out for the app's own.")]
    [InlineData("Choice", "\"\"", "is empty; give End, Latest or Skip, or leave the key out for the app's own.")]
    [InlineData("Choice", "\"Wait\"", "is \"Wait\"; it must be End, Latest or Skip.")]
    [InlineData("Choice", "2", "is \"2\"; it must be End, Latest or Skip.")]
    [InlineData("MaybeChoice", "\"Wait\"", "is \"Wait\"; it must be End, Latest or Skip.")]
    public void A_value_that_is_none_is_refused_with_what_may_be(string name, string json, string fault)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read($$"""{ "{{name}}": {{json}} }"""));

        Assert.Equal($"Comet:Own:{name} {fault}", Assert.Single(error.Failures));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    public void Null_and_an_empty_value_are_null_where_a_setting_may_be_null(string json)
    {
        string[] names = ["MaybeText", "MaybeFlag", "MaybeNumber", "MaybeLarge", "MaybeTime", "MaybeChoice"];

        var options = Read($"{{ {string.Join(", ", names.Select(name => $"\"{name}\": {json}"))} }}");

        Assert.Equal(
            (null, null, null, null, null, null),
            (options.MaybeText, options.MaybeFlag, options.MaybeNumber, options.MaybeLarge, options.MaybeTime, options.MaybeChoice));
    }

    [Fact]
    public void A_value_of_each_kind_is_read()
    {
        var options = Read("""
            {
              "Text": "text", "Flag": true, "Number": -7, "Large": 5000000000, "Time": "00:01:00", "Choice": "skip",
              "MaybeText": "more", "MaybeFlag": false, "MaybeNumber": 8, "MaybeLarge": 9, "MaybeTime": "1.00:00:00", "MaybeChoice": "Latest"
            }
            """);

        Assert.Equal(
            ("text", true, -7, 5_000_000_000, TimeSpan.FromMinutes(1), SlowClientPolicy.Skip),
            (options.Text, options.Flag, options.Number, options.Large, options.Time, options.Choice));
        Assert.Equal(
            ("more", false, 8, 9, TimeSpan.FromDays(1), SlowClientPolicy.Latest),
            (options.MaybeText, options.MaybeFlag, options.MaybeNumber, options.MaybeLarge, options.MaybeTime, options.MaybeChoice));
    }

    private static Kinds Read(string json)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "Comet": { "Own": {{json}} } }""")));
        builder.Services.AddCometStoreOptions<Kinds>("Own");
        using var app = builder.Build();
        return app.Services.GetRequiredService<IOptions<Kinds>>().Value;
    }

    // Every setting that may be null has a value of its own, so that a test sees it become null.
    private sealed class Kinds
    {
        public string Text { get; set; } = "default";

        [DefaultValue(null)]
        public string? MaybeText { get; set; } = "default";

        public bool Flag { get; set; }

        public bool? MaybeFlag { get; set; } = true;

        public int Number { get; set; }

        public int? MaybeNumber { get; set; } = 1;

        public long Large { get; set; }

        public long? MaybeLarge { get; set; } = 1;

        public TimeSpan Time { get; set; }

        public TimeSpan? MaybeTime { get; set; } = TimeSpan.FromSeconds(1);

        public SlowClientPolicy Choice { get; set; }

        public SlowClientPolicy? MaybeChoice { get; set; } = SlowClientPolicy.Skip;
    }
}
